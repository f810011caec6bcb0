use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jobwork::store::{
    Batch, BatchFilter, Beat, CancelAnswer, Claim, Command, Control, Counts, Filter, InTransaction, Inspect, Notes,
    Prune, Push, QueueCounts, Rescue, Schedules, Settled, Signals, Store, Stored, Topic, Upkeep, Wakeups, WorkerRecord,
};
use jobwork::{Attempt, BatchId, BatchRecord, Clock, Error, Finished, JobId, LogLine, Note, Record, Result, WorkerId};

use tokio::sync::oneshot;

use super::hints::Hints;
use super::link::Link;
use super::standing::{Standing, give_back};

/// A store at the far end of a [`Link`]: what passes is late, or fails, or takes effect without an answer.
#[derive(Debug)]
pub(super) struct Faulty {
    store: Arc<dyn Store>,
    link: Arc<Link>,
    hints: Arc<Hints>,
    /// Where it hands over jobs as they become ready, the time of the store.
    hands_over: Option<Clock>,
}

impl Faulty {
    pub(super) fn new(store: Arc<dyn Store>, link: Arc<Link>, hints: Arc<Hints>) -> Self {
        Self { store, link, hints, hands_over: None }
    }

    /// Hands jobs over to claims that stand, as SQLite's store does.
    pub(super) fn hands_over(self, clock: Clock) -> Self {
        Self { hands_over: Some(clock), ..self }
    }
}

/// Passes a call on by way of the link: `pass!(self, store => what to do with it)`.
macro_rules! pass {
    ($self:ident, $store:ident => $call:expr) => {{
        let $store = Arc::clone(&$self.store);
        $self.link.carry(async move { $call.await }).await
    }};
}

#[async_trait]
impl Store for Faulty {
    fn name(&self) -> &'static str {
        "simulated"
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        pass!(self, store => store.push(push))
    }

    /// What nobody hears of is given back, as every store does it whose answers can get lost.
    async fn claim(&self, claim: Claim) -> Result<Batch> {
        let (store, now) = (Arc::clone(&self.store), claim.now);
        let (back, link) = (Arc::clone(&self.store), Arc::clone(&self.link));
        let give_back = async move |batch| give_back(batch, now, &back, &link).await;
        self.link.carry_or(async move { store.claim(claim).await }, give_back).await
    }

    async fn claim_when_ready(&self, claim: Claim) -> Result<Batch> {
        let Some(clock) = self.hands_over.clone() else { return std::future::pending().await };
        let (heard, answer) = oneshot::channel();
        let standing = Standing { claim, heard, clock, store: Arc::clone(&self.store), link: Arc::clone(&self.link) };
        self.hints.stand(standing);
        match answer.await {
            Ok(batch) => Ok(batch),
            Err(_) => std::future::pending().await,
        }
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        pass!(self, store => store.finish(finished))
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        pass!(self, store => store.beat(beat))
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        self.hints.listen(topic, Arc::clone(&self.link))
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }

    fn notes(&self) -> Option<&dyn Notes> {
        Some(self)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }

    fn schedules(&self) -> Option<&dyn Schedules> {
        self.store.schedules()
    }

    fn control(&self) -> Option<&dyn Control> {
        self.store.control()
    }

    fn in_transaction(&self) -> Option<InTransaction<'_>> {
        None
    }
}

#[async_trait]
impl Notes for Faulty {
    async fn note(&self, notes: Arc<[Note]>) -> Result<Vec<Settled>> {
        pass!(self, store => store.notes().ok_or_else(none)?.note(notes))
    }
}

#[async_trait]
impl Upkeep for Faulty {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        pass!(self, store => store.upkeep().ok_or_else(none)?.rescue(rescue))
    }

    async fn prune(&self, prune: Prune) -> Result<usize> {
        pass!(self, store => store.upkeep().ok_or_else(none)?.prune(prune))
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        pass!(self, store => store.upkeep().ok_or_else(none)?.expire(now, limit))
    }
}

/// Passes a call to the store's inspection on by way of the link, with arguments of its own.
macro_rules! inspect {
    ($self:ident, $verb:ident($($argument:ident),* $(; $plain:expr)*)) => {{
        $(let $argument = $argument.to_owned();)*
        pass!($self, store => store.inspect().ok_or_else(none)?.$verb($(&$argument,)* $($plain),*))
    }};
}

#[async_trait]
impl Inspect for Faulty {
    async fn get(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<Option<Record>>> {
        inspect!(self, get(ids; now))
    }

    async fn history(&self, id: JobId) -> Result<Vec<Attempt>> {
        inspect!(self, history(; id))
    }

    async fn log(&self, id: JobId) -> Result<Vec<LogLine>> {
        inspect!(self, log(; id))
    }

    async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Record>> {
        inspect!(self, list(filter; now))
    }

    async fn chain(&self, id: JobId, now: Timestamp) -> Result<Vec<Record>> {
        inspect!(self, chain(; id; now))
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>> {
        inspect!(self, batch(; id))
    }

    async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>> {
        inspect!(self, batches(filter))
    }

    async fn cancel(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        inspect!(self, cancel(ids; now))
    }

    async fn retry(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        inspect!(self, retry(ids; now))
    }

    async fn requeue(&self, ids: &[JobId], queue: &str, now: Timestamp) -> Result<Vec<bool>> {
        inspect!(self, requeue(ids, queue; now))
    }

    async fn delete(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        inspect!(self, delete(ids; now))
    }

    async fn counts(&self, now: Timestamp) -> Result<Counts> {
        inspect!(self, counts(; now))
    }

    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueCounts>> {
        inspect!(self, queues(; now))
    }

    async fn workers(&self, now: Timestamp) -> Result<Vec<WorkerRecord>> {
        inspect!(self, workers(; now))
    }

    async fn command(&self, worker: WorkerId, command: Command) -> Result<bool> {
        inspect!(self, command(; worker; command))
    }
}

fn none() -> Error {
    Error::store("the store has no such power")
}
