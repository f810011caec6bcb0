use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jobwork::store::{Batch, Claim, Settled, Store};
use jobwork::{Finished, JobId, Lease, Result};

use super::Flaw;

/// Takes an outcome of whoever brings it, as long as the job runs: a lease is compared in `Rows::running_under` in `store/memory/outcomes.rs`, by
/// `claims::of` in `store/sqlite/claims.rs`, and by `runs_under` in `finish.sql`.
#[derive(Debug, Default)]
pub struct Unfenced {
    /// The right to each job that was given last.
    latest: Mutex<HashMap<JobId, Lease>>,
}

#[async_trait]
impl Flaw for Unfenced {
    fn claimed(&self, _: &Claim, batch: Batch) -> Batch {
        let leases = batch.jobs.iter().map(|job| (job.lease.job, job.lease));
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).extend(leases);
        batch
    }

    async fn finish(&self, store: &dyn Store, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lease = |lease: Lease| latest.get(&lease.job).copied().unwrap_or(lease);
        let finished = finished.iter().map(|finished| Finished { lease: lease(finished.lease), ..finished.clone() });
        store.finish(finished.collect()).await
    }
}
