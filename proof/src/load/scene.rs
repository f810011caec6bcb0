use std::time::Duration;

use anyhow::{Context, bail};
use jobwork::store::Retention;
use jobwork::{App, Jobs};
use tempfile::TempDir;

/// Where a case is run, and how large.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) url: String,
    pub(super) scale: f64,
}

impl Scene {
    /// So many, at this scale.
    pub(super) fn count(&self, full: usize) -> usize {
        ((full as f64 * self.scale) as usize).max(1)
    }

    /// A client of the store.
    pub(super) async fn jobs(&self) -> anyhow::Result<Jobs> {
        Ok(Jobs::connect(&self.url).await?)
    }
}

/// A worker of this client; it forgets nothing that has ended, so that it can be looked at.
pub(super) fn app(jobs: &Jobs) -> App {
    App::new().jobs(jobs.clone()).retention(Retention::forever())
}

/// Fails where a job is left that has not ended.
pub(super) async fn ensure_all_ended(jobs: &Jobs) -> anyhow::Result<()> {
    let counts = jobs.inspect()?.counts(jobs.now()).await?;
    anyhow::ensure!(counts.open() == 0, "there are jobs that have not ended: {counts:?}");
    Ok(())
}

/// As milliseconds, to be read.
pub(super) fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

/// A store that is there for one case.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) url: String,
    /// Removed with it.
    _folder: Option<TempDir>,
}

impl Place {
    /// The store that the option names.
    pub(super) fn of(store: &str) -> anyhow::Result<Self> {
        match store {
            "sqlite" => {
                let folder = TempDir::new()?;
                Ok(Self { url: format!("sqlite:{}", folder.path().join("jobs.db").display()), _folder: Some(folder) })
            }
            "postgres" => {
                let server = std::env::var("JOBWORK_TEST_POSTGRES")
                    .context("expected the URL of a server in JOBWORK_TEST_POSTGRES, as `ci/postgres` sets it")?;
                let sign = if server.contains('?') { '&' } else { '?' };
                let schema = format!("load_{:x}", fastrand::u64(..));
                Ok(Self { url: format!("{server}{sign}schema={schema}"), _folder: None })
            }
            "memory" => Ok(Self { url: "memory:".to_owned(), _folder: None }),
            url if url.contains(':') => Ok(Self { url: url.to_owned(), _folder: None }),
            other => bail!("`{other}` is no store, expected `sqlite`, `postgres`, `memory` or a URL"),
        }
    }
}
