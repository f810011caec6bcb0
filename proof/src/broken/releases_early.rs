use async_trait::async_trait;
use jobwork::Result;
use jobwork::store::{Push, Store, Stored};

use super::Flaw;

/// Members of a chain wait for nobody: `Row::is_free` in `store/memory/rows.rs`, and the counts of what a job waits for in
/// `store/sqlite/waiters.rs` and `waiters.sql`.
#[derive(Debug, Default)]
pub struct ReleasesEarly;

#[async_trait]
impl Flaw for ReleasesEarly {
    async fn push(&self, store: &dyn Store, mut push: Push) -> Result<Stored> {
        push.jobs.iter_mut().for_each(|job| job.waits.clear());
        store.push(push).await
    }
}
