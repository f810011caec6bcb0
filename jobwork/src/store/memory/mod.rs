//! Jobs in this process's memory: the reference of what a store does, for tests.

mod batches;
mod by_hand;
mod claim;
mod control;
mod expire;
mod flow;
mod gates;
mod index;
mod inspect;
mod limits;
mod notes;
mod ordered;
mod outcomes;
mod prune;
mod rows;
mod schedules;
mod unique;
mod workers;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use self::rows::Rows;
use super::{
    Batch, Beat, Claim, Control, InTransaction, Inspect, Notes, Prune, Push, Rescue, Schedules, Settled, Signals,
    Store, Stored, Topic, Upkeep, Waker, Wakeups,
};
use crate::error::Result;
use crate::job::{Finished, JobId, Note};

/// A store in this process's memory, for tests: it keeps every promise of a store but the one to survive the process.
///
/// Claims, outcomes and beats cost the logarithm of the number of jobs; counts and lists look at every job.
/// A claim steps over the due jobs whose names its worker lacks, one by one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> jobwork::Result<()> {
/// use std::sync::Arc;
/// use jobwork::{Jobs, NewJob, store::memory::Memory};
///
/// let jobs = Jobs::new(Arc::new(Memory::new()));
/// assert_eq!(jobs.push(vec![NewJob::new("send_email", "{}")]).await?.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    rows: Mutex<Rows>,
    waker: Waker,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn read<T>(&self, look: impl FnOnce(&Rows) -> T) -> T {
        look(&self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the rows, and wakes whom the change concerns once it can be seen.
    fn write<T>(&self, change: impl FnOnce(&mut Rows) -> T) -> T {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut rows);
        let changed = std::mem::take(&mut rows.changed);
        drop(rows);
        let topics =
            [(changed.ready, Topic::Ready), (changed.settled, Topic::Settled), (changed.signals, Topic::Signals)];
        for (_, topic) in topics.into_iter().filter(|(changed, _)| *changed) {
            self.waker.wake(topic);
        }
        answer
    }
}

#[async_trait]
impl Store for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        self.write(|rows| rows.push(push))
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        Ok(self.write(|rows| rows.claim(&claim)))
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        Ok(self.write(|rows| finished.iter().map(|finished| rows.finish(finished)).collect()))
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        Ok(self.write(|rows| rows.beat(&beat)))
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        self.waker.subscribe(topic)
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
        Some(self)
    }

    fn control(&self) -> Option<&dyn Control> {
        Some(self)
    }

    fn in_transaction(&self) -> Option<InTransaction<'_>> {
        None
    }
}

#[async_trait]
impl Notes for Memory {
    async fn note(&self, notes: Arc<[Note]>) -> Result<Vec<Settled>> {
        Ok(self.write(|rows| notes.iter().map(|note| rows.note(note)).collect()))
    }
}

#[async_trait]
impl Upkeep for Memory {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        Ok(self.write(|rows| rows.rescue(rescue)))
    }

    async fn prune(&self, prune: Prune) -> Result<usize> {
        Ok(self.write(|rows| rows.prune(&prune)))
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.write(|rows| rows.expire(now, limit)))
    }
}
