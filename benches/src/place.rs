//! Where the jobs of a measure are stored.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jobwork::Jobs;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::fill;
use crate::jobs::Beside;
use crate::postgres::{self, Address, Processes};

/// A store to be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// A new SQLite file for every measure.
    Sqlite {
        /// The directory where it is made.
        folder: PathBuf,
    },
    /// A database of a server of Postgres. The one that the command line names is there for its server only: each measure
    /// is given one of its own, with what it begins with.
    Postgres(Address),
    /// Any other store, by its URL.
    Url(String),
}

/// The store of one measure. It is gone when this is dropped, unless it has an address of its own.
#[derive(Debug)]
pub(crate) struct Opened {
    /// A client of it.
    pub(crate) jobs: Jobs,
    /// Its address, by which other processes open it.
    pub(crate) url: String,
    /// The database, if it is one of Postgres.
    pub(crate) address: Option<Address>,
    /// The processes of its server, if it has one that can be seen.
    pub(crate) server: Option<Processes>,
    /// Where it lies, if it lies in a directory of its own.
    _folder: Option<TempDir>,
}

impl Place {
    /// The store that the command line names: `sqlite` is a new file for every measure, all else a URL.
    pub(crate) fn of(store: &str, folder: &Path) -> Self {
        match store {
            "sqlite" => Self::Sqlite { folder: folder.to_owned() },
            "memory" => Self::Url("memory:".to_owned()),
            url if postgres::is_address(url) => Self::Postgres(Address::new(url)),
            url => Self::Url(url.to_owned()),
        }
    }

    /// What it is called in a result. A password in an address isn't shown.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres(_) => "postgres",
            Self::Url(url) => url.split(':').next().unwrap_or_default(),
        }
    }

    /// Whether several processes can use it.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Self::Url(url) if url.starts_with("memory:"))
    }

    /// Whether it has a bare ruler beside it.
    pub(crate) const fn has_ruler(&self) -> bool {
        matches!(self, Self::Sqlite { .. } | Self::Postgres(_))
    }

    /// Opens it, with these jobs in it and no other ones.
    pub(crate) async fn open(&self, beside: Beside) -> Result<Opened> {
        match self {
            Self::Sqlite { folder } => open_file(folder, beside.finished).await,
            Self::Postgres(address) => open_database(address).await,
            Self::Url(url) => {
                let jobs = Jobs::connect(url).await?;
                if !jobs.inspect()?.queues(jobs.now()).await?.is_empty() {
                    bail!(
                        "expected a store without open jobs, since what is measured is all its jobs: name another one"
                    );
                }
                fill::by_work(&jobs, beside).await?;
                Ok(Opened { jobs, url: url.clone(), address: None, server: None, _folder: None })
            }
        }
    }
}

async fn open_file(folder: &Path, finished: u64) -> Result<Opened> {
    let own =
        tempfile::tempdir_in(folder).with_context(|| format!("can't make a directory in {}", folder.display()))?;
    let file = own.path().join("jobs.db");
    if finished > 0 {
        copy(&template(folder, finished), &file)?;
    }
    let url = url_of(&file);
    Ok(Opened { jobs: Jobs::connect(&url).await?, url, address: None, server: None, _folder: Some(own) })
}

async fn open_database(address: &Address) -> Result<Opened> {
    let url = address.url().to_owned();
    let jobs = Jobs::connect(&url).await?;
    let client = address.connect().await?;
    let server = Processes::of(&client).await?;
    postgres::checkpoint(&client).await?;
    Ok(Opened { jobs, url, address: Some(address.clone()), server, _folder: None })
}

impl Opened {
    /// Does what the store would do sooner or later with jobs that have just been stored, where that would else be measured.
    pub(crate) async fn tidy(&self) -> Result<()> {
        let Some(address) = &self.address else { return Ok(()) };
        let client = address.connect().await?;
        postgres::vacuum(&client).await?;
        postgres::checkpoint(&client).await
    }
}

/// The URL of a file of SQLite.
pub(crate) fn url_of(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// The file with so many finished jobs that measures begin with a copy of.
pub(crate) fn template(folder: &Path, finished: u64) -> PathBuf {
    folder.join(format!("finished-{finished}.db"))
}

/// Copies a file, and waits until it is on the disk: writing it back would else disturb what is measured next.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .and_then(|_| File::open(to)?.sync_all())
        .with_context(|| format!("can't copy {}", from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_with_open_jobs_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let url = url_of(&folder.path().join("jobs.db"));
        let jobs = Jobs::connect(&url).await.unwrap();
        jobs.push(vec![jobwork::NewJob::new("other", "{}")]).await.unwrap();
        let refused = Place::Url(url).open(Beside::NONE).await.unwrap_err().to_string();
        assert!(refused.contains("without open jobs"), "{refused}");
    }

    #[test]
    fn a_store_is_named_without_its_address() {
        let folder = Path::new("here");
        assert_eq!(Place::of("postgres://me:secret@host/db", folder).name(), "postgres");
        assert_eq!(Place::of("sqlite", folder).name(), "sqlite");
        assert!(!Place::of("memory", folder).is_shared());
        assert!(Place::of("sqlite:jobs.db", folder).is_shared());
    }
}
