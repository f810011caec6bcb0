use jobwork::Jobs;

use super::disk::Disk;
use super::server::Server;

/// Where the store is, and what it is on.
#[derive(Debug)]
pub(super) enum Database {
    /// A file.
    File(Disk),
    /// In a server of our own.
    Server(Server),
    /// Somebody else's, that is not to be harmed.
    Given(String),
}

impl Database {
    /// The one that the word names, `sqlite` or `postgres`, empty; or the one of a URL. A disk is made for a run of so many seconds.
    pub(super) fn of(store: &str, mounted: bool, seconds: u64) -> anyhow::Result<Self> {
        Ok(match store {
            // Many times what the jobs of a run take, so that it is full only if it is filled.
            "sqlite" => Self::File(Disk::new(mounted, (64 << 20) + seconds * (256 << 10))?),
            "postgres" => Self::Server(Server::start()?),
            url => Self::Given(url.to_owned()),
        })
    }

    /// Refuses a store that isn't ours and can't be opened, or can't be shared by processes.
    pub(super) async fn check(&self) -> anyhow::Result<()> {
        let Self::Given(url) = self else { return Ok(()) };
        anyhow::ensure!(
            !url.starts_with("memory:"),
            "processes can't share `{url}`: expected `sqlite`, `postgres` or a URL"
        );
        Jobs::connect(url).await?;
        Ok(())
    }

    /// The store's URL.
    pub(super) fn url(&self) -> String {
        match self {
            Self::File(disk) => format!("sqlite:{}", disk.file().display()),
            Self::Server(server) => server.url().to_owned(),
            Self::Given(url) => url.clone(),
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.url().starts_with("postgres")
    }
}
