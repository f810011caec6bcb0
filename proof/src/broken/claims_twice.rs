use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jobwork::store::{Batch, Claim, Settled, Store};
use jobwork::{Claimed, Finished, JobId, Lease, Result};

use super::Flaw;

/// Hands a job that one worker has to a second one as well, and takes the outcome of whoever is first: a claim deletes its jobs from the line in
/// `store/sqlite/ready.rs` and `take.sql`, where they are locked, and makes them running in `store/memory/claim.rs`.
#[derive(Debug, Default)]
pub struct ClaimsTwice {
    hands: Mutex<Hands>,
}

#[derive(Debug, Default)]
struct Hands {
    /// What one worker has.
    once: BTreeMap<JobId, Claimed>,
    /// The leases of those who came first, by those of the others.
    twice: HashMap<Lease, Lease>,
}

impl ClaimsTwice {
    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lease that the store knows; its job is handed to nobody else any more.
    fn known(&self, lease: Lease) -> Lease {
        let mut hands = self.hands();
        hands.once.remove(&lease.job);
        hands.twice.get(&lease).copied().unwrap_or(lease)
    }
}

#[async_trait]
impl Flaw for ClaimsTwice {
    fn claimed(&self, claim: &Claim, mut batch: Batch) -> Batch {
        let mut hands = self.hands();
        let room = claim.limit.saturating_sub(batch.jobs.len());
        let is_served = |job: &Claimed| claim.names.iter().any(|served| served.name == job.name);
        let others = hands.once.values().filter(|job| job.lease.worker != claim.worker && is_served(job));
        let others: Vec<Claimed> = others.take(room).cloned().collect();
        hands.once.extend(batch.jobs.iter().map(|job| (job.lease.job, job.clone())));
        for mut job in others {
            hands.once.remove(&job.lease.job);
            let first = job.lease;
            job.lease.worker = claim.worker;
            hands.twice.insert(job.lease, first);
            batch.jobs.push(job);
        }
        batch
    }

    async fn finish(&self, store: &dyn Store, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        let finished =
            finished.iter().map(|finished| Finished { lease: self.known(finished.lease), ..finished.clone() });
        store.finish(finished.collect()).await
    }
}
