use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jobwork::store::{Batch, CancelAnswer, Claim, Inspect, Push, Rescue, Settled, Signals, Store, Stored, Upkeep};
use jobwork::{Finished, JobId, Result};

/// What is wrong with a store, or with the worker that calls it; each verb is as it should be unless the flaw says otherwise.
#[async_trait]
pub trait Flaw: fmt::Debug + Send + Sync + 'static {
    /// Stores jobs.
    async fn push(&self, store: &dyn Store, push: Push) -> Result<Stored> {
        store.push(push).await
    }

    /// Looks at what the store hands to a worker.
    fn claimed(&self, _claim: &Claim, batch: Batch) -> Batch {
        batch
    }

    /// Writes outcomes.
    async fn finish(&self, store: &dyn Store, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        store.finish(finished).await
    }

    /// Looks at what a worker learns from a beat.
    fn heard(&self, signals: Signals) -> Signals {
        signals
    }

    /// Takes the jobs of dead workers from them.
    async fn rescue(&self, upkeep: &dyn Upkeep, rescue: Rescue) -> Result<Vec<JobId>> {
        upkeep.rescue(rescue).await
    }

    /// Cancels jobs.
    async fn cancel(&self, inspect: &dyn Inspect, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        inspect.cancel(ids, now).await
    }
}
