use jobwork_tests::postgres::{Schema, fresh_schema};

/// The schema of a test.
#[derive(Debug)]
pub(crate) struct Place(Schema);

impl Place {
    pub(crate) async fn new() -> Self {
        Self(fresh_schema().await)
    }

    pub(crate) fn url(&self) -> String {
        self.0.url.clone()
    }
}
