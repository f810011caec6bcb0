use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jobwork::store::{
    Batch, BatchFilter, Beat, CancelAnswer, Claim, Command, Control, Counts, Filter, InTransaction, Inspect, Notes,
    Prune, Push, QueueCounts, Rescue, Schedules, Settled, Signals, Store, Stored, Topic, Upkeep, Wakeups, WorkerRecord,
};
use jobwork::{Attempt, BatchId, BatchRecord, Error, Finished, JobId, LogLine, Record, Result, WorkerId};

use super::Flaw;

/// A store with a flaw.
#[derive(Debug)]
pub struct Broken<F> {
    store: Arc<dyn Store>,
    flaw: F,
}

impl<F: Flaw> Broken<F> {
    /// `store` as it would be with `flaw`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, flaw: F) -> Self {
        Self { store, flaw }
    }

    fn inner(&self) -> Result<&dyn Inspect> {
        self.store.inspect().ok_or_else(none)
    }
}

#[async_trait]
impl<F: Flaw> Store for Broken<F> {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        self.flaw.push(&*self.store, push).await
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        let batch = self.store.claim(claim.clone()).await?;
        Ok(self.flaw.claimed(&claim, batch))
    }

    async fn claim_when_ready(&self, claim: Claim) -> Result<Batch> {
        let batch = self.store.claim_when_ready(claim.clone()).await?;
        Ok(self.flaw.claimed(&claim, batch))
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        self.flaw.finish(&*self.store, finished).await
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        Ok(self.flaw.heard(self.store.beat(beat).await?))
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        self.store.wakeups(topic)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        self.store.upkeep().is_some().then_some(self)
    }

    fn notes(&self) -> Option<&dyn Notes> {
        self.store.notes()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.store.inspect().is_some().then_some(self)
    }

    fn schedules(&self) -> Option<&dyn Schedules> {
        self.store.schedules()
    }

    fn control(&self) -> Option<&dyn Control> {
        self.store.control()
    }

    fn in_transaction(&self) -> Option<InTransaction<'_>> {
        self.store.in_transaction()
    }
}

#[async_trait]
impl<F: Flaw> Upkeep for Broken<F> {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        self.flaw.rescue(self.store.upkeep().ok_or_else(none)?, rescue).await
    }

    async fn prune(&self, prune: Prune) -> Result<usize> {
        self.store.upkeep().ok_or_else(none)?.prune(prune).await
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.store.upkeep().ok_or_else(none)?.expire(now, limit).await
    }
}

#[async_trait]
impl<F: Flaw> Inspect for Broken<F> {
    async fn get(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<Option<Record>>> {
        self.inner()?.get(ids, now).await
    }

    async fn history(&self, id: JobId) -> Result<Vec<Attempt>> {
        self.inner()?.history(id).await
    }

    async fn log(&self, id: JobId) -> Result<Vec<LogLine>> {
        self.inner()?.log(id).await
    }

    async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Record>> {
        self.inner()?.list(filter, now).await
    }

    async fn chain(&self, id: JobId, now: Timestamp) -> Result<Vec<Record>> {
        self.inner()?.chain(id, now).await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>> {
        self.inner()?.batch(id).await
    }

    async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>> {
        self.inner()?.batches(filter).await
    }

    async fn cancel(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        self.flaw.cancel(self.inner()?, ids, now).await
    }

    async fn retry(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        self.inner()?.retry(ids, now).await
    }

    async fn requeue(&self, ids: &[JobId], queue: &str, now: Timestamp) -> Result<Vec<bool>> {
        self.inner()?.requeue(ids, queue, now).await
    }

    async fn delete(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        self.inner()?.delete(ids, now).await
    }

    async fn counts(&self, now: Timestamp) -> Result<Counts> {
        self.inner()?.counts(now).await
    }

    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueCounts>> {
        self.inner()?.queues(now).await
    }

    async fn workers(&self, now: Timestamp) -> Result<Vec<WorkerRecord>> {
        self.inner()?.workers(now).await
    }

    async fn command(&self, worker: WorkerId, command: Command) -> Result<bool> {
        self.inner()?.command(worker, command).await
    }
}

fn none() -> Error {
    Error::store("the store has no such power")
}
