use tempfile::TempDir;

/// The SQLite file of a test.
#[derive(Debug)]
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.0.path().join("jobs.db").display())
    }
}
