use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jobwork::store::{Batch, Claim, Rescue, Settled, Store, Upkeep};
use jobwork::{Finished, JobId, Lease, Result};

use super::Flaw;

/// Counts an attempt whose worker died as a failed one: `give_back` takes it off in `store/memory/outcomes.rs`, and so do
/// `store/sqlite/rescue.rs` and `worker.sql`.
#[derive(Debug, Default)]
pub struct RescueCostsAnAttempt {
    costs: Mutex<Costs>,
}

#[derive(Debug, Default)]
struct Costs {
    rescues: HashMap<JobId, u32>,
    /// The leases that the store knows, by those that workers have.
    leases: HashMap<Lease, Lease>,
}

impl RescueCostsAnAttempt {
    fn costs(&self) -> MutexGuard<'_, Costs> {
        self.costs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Flaw for RescueCostsAnAttempt {
    fn claimed(&self, _: &Claim, mut batch: Batch) -> Batch {
        let mut costs = self.costs();
        for job in &mut batch.jobs {
            let known = job.lease;
            job.lease.attempt += costs.rescues.get(&known.job).copied().unwrap_or_default();
            costs.leases.insert(job.lease, known);
        }
        batch
    }

    async fn finish(&self, store: &dyn Store, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        let known = |lease: Lease| self.costs().leases.get(&lease).copied().unwrap_or(lease);
        let finished = finished.iter().map(|finished| Finished { lease: known(finished.lease), ..finished.clone() });
        store.finish(finished.collect()).await
    }

    async fn rescue(&self, upkeep: &dyn Upkeep, rescue: Rescue) -> Result<Vec<JobId>> {
        let rescued = upkeep.rescue(rescue).await?;
        rescued.iter().for_each(|job| *self.costs().rescues.entry(*job).or_default() += 1);
        Ok(rescued)
    }
}
