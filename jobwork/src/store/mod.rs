//! Where jobs rest: the trait that every store implements, and the stores.
//!
//! A store is cut at the domain: it is asked to push, claim, finish and beat, always in batches, and is told the time.
//! What a store may not have (upkeep, inspection) is a trait of its own, reached through an accessor that every store
//! must answer, so that an absent power is absent on purpose.

mod claim;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connect;
mod fill;
mod in_transaction;
mod notes;
mod prune;
pub(crate) use self::fill::fill;

mod bucket;
mod control;
mod limits;
pub mod memory;
mod places;
#[cfg(feature = "postgres")]
pub mod postgres;
mod push;
mod requests;
mod schedules;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod standing;
mod tally;
mod wakeups;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::claim::QueueCap;
pub(crate) use self::claim::{BYTES_AT_MOST, EXPIRED};
#[doc(hidden)]
pub use self::connect::check_url;
pub(crate) use self::connect::named_url;
pub use self::connect::{connect, default_url};
#[cfg(feature = "cli")]
pub(crate) use self::connect::{file_of, without_password};
pub use self::control::{Control, Pause, QueueLimit, SetBy, Target};
#[cfg(feature = "rusqlite")]
pub use self::in_transaction::OnConnection;
pub use self::in_transaction::{Change, Changed, InTransaction, Statement, Statements};
pub use self::notes::Notes;
pub use self::prune::{Keep, Prune, Retention};
pub use self::push::{Push, Pushed, Stored};
pub use self::requests::{
    Batch, BatchFilter, Beat, BeatKind, CancelAnswer, Claim, Command, Counts, Filter, QueueCounts, Rescue, Served,
    Settled, Signals, WorkerInfo, WorkerRecord, WorkerState,
};
pub use self::schedules::{Cause, Due, Fire, NewSchedule, ScheduleChange, ScheduleRecord, Schedules};
pub use self::wakeups::{Topic, Waker, Wakeups};
use crate::error::Result;
use crate::job::{Attempt, BatchId, BatchRecord, Claimed, Finished, JobId, LogLine, Record, WorkerId};

/// A place where jobs rest.
///
/// Every call is atomic, safe to make from many tasks at once, and takes effect whole or not at all.
/// Dropping the future of a call leaves open whether it takes effect.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The kind of store in one word, such as `sqlite`.
    fn name(&self) -> &'static str;

    /// Stores jobs, all or none; when it returns `Ok`, they are on stable storage. A unique job whose key another has is left
    /// out, and that one is told instead; where it can't be, the push fails with [`Error::Duplicate`](crate::Error::Duplicate).
    async fn push(&self, push: Push) -> Result<Stored>;

    /// Hands ready jobs to a worker, highest priority first within a queue, oldest first within a priority.
    /// No job is ever handed to two workers at a time. A job that has expired is ended instead, and doesn't count to the
    /// limit.
    async fn claim(&self, claim: Claim) -> Result<Batch>;

    /// Hands jobs to a worker that found nothing, in the very write that makes them ready, and waits until then.
    ///
    /// The time is that of the write, and not the claim's. Jobs that fall due by time are not waited for. Where the answer is
    /// less than was asked for, the store may go on handing over for a moment: the worker gets that with its next claim of
    /// either kind. A [`claim`](Self::claim) of no jobs ends it.
    ///
    /// A store that can't, as by default, never answers: its workers look when [`wakeups`](Self::wakeups) tell them to, and
    /// so do all workers of a store that can, for jobs that others make ready.
    ///
    /// # Cancel safety
    /// Cancel safe: jobs that were handed over to a future that is dropped are given back.
    async fn claim_when_ready(&self, claim: Claim) -> Result<Batch> {
        let _ = claim;
        std::future::pending().await
    }

    /// Writes outcomes, each only if the job is still running under the outcome's lease. A success releases whoever
    /// waited for the job in the same write.
    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>>;

    /// Says that a worker lives, and learns what it should know.
    async fn beat(&self, beat: Beat) -> Result<Signals>;

    /// A hint that something may have changed. Polling must suffice.
    fn wakeups(&self, topic: Topic) -> Wakeups;

    /// Care for what nobody asks for, or `None` where a server sees to it.
    fn upkeep(&self) -> Option<&dyn Upkeep>;

    /// What running jobs say about themselves, or `None` where there is no room for it.
    fn notes(&self) -> Option<&dyn Notes>;

    /// Looking at jobs and changing them by hand, or `None` where the server can't.
    fn inspect(&self) -> Option<&dyn Inspect>;

    /// Schedules, or `None` where the server keeps none.
    fn schedules(&self) -> Option<&dyn Schedules>;

    /// Pauses and the limits of queues, or `None` where the server has none.
    fn control(&self) -> Option<&dyn Control>;

    /// Changes in transactions of the store's users, or `None` where there are none.
    fn in_transaction(&self) -> Option<InTransaction<'_>>;
}

/// Care for jobs whose worker died, and for those whose time is over.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Makes the jobs of dead workers ready again, with their attempt given back, and returns them; a job that was
    /// rescued too often is dead as a poison pill instead. May be called by any number of workers at once.
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>>;

    /// Forgets jobs that have ended and been kept long enough, by their own word or else by the rule, and says how many.
    /// May be called by any number of workers at once.
    async fn prune(&self, prune: Prune) -> Result<usize>;

    /// Ends at most `limit` of the jobs that have expired and don't run, and says how many it ended: they are discarded,
    /// and those that wait for them are cancelled. For jobs that no claim comes upon.
    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize>;
}

/// Looking at jobs, and changing them by hand.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// The jobs with these ids, in the same order; `None` where there is no such job.
    async fn get(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<Option<Record>>>;

    /// What went wrong with a job so far, oldest first.
    async fn history(&self, id: JobId) -> Result<Vec<Attempt>>;

    /// The kept lines of a job's log, oldest first; those of each attempt that had any.
    async fn log(&self, id: JobId) -> Result<Vec<LogLine>>;

    /// The jobs that match, newest first.
    async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Record>>;

    /// The members of the chain that `id` belongs to, in order; the job alone if it belongs to none, nothing if it
    /// doesn't exist.
    async fn chain(&self, id: JobId, now: Timestamp) -> Result<Vec<Record>>;

    /// The batch of this id, if there is one.
    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>>;

    /// The batches that match, newest first.
    async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>>;

    /// Cancels jobs: one that doesn't run is cancelled at once, with the rest of its chain; a running one is told,
    /// and is cancelled by its worker.
    async fn cancel(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>>;

    /// Makes jobs ready now, with all their retries: those that ended, and those that are scheduled. Says for each
    /// whether it did; a running, ready or waiting job is left alone, and one that ended whose unique key another
    /// has. A job of an order waits there for its turn. A revived chain member brings the members that were cancelled
    /// because of it back to waiting, but for one whose unique key another has, and those after it.
    async fn retry(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>>;

    /// Moves jobs to another queue, and says for each whether it did: one that is waiting, scheduled or ready stays what
    /// it is, one that has ended is retried there if it can be, and a running one is left alone.
    async fn requeue(&self, ids: &[JobId], queue: &str, now: Timestamp) -> Result<Vec<bool>>;

    /// Forgets jobs that aren't running, and says for each whether it did. Members of a chain that waited for a
    /// forgotten job are cancelled.
    async fn delete(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>>;

    /// How many jobs there are in each state.
    async fn counts(&self, now: Timestamp) -> Result<Counts>;

    /// The queues that hold jobs which aren't final, by name.
    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueCounts>>;

    /// The workers that are alive, or were not yet noticed to be dead.
    async fn workers(&self, now: Timestamp) -> Result<Vec<WorkerRecord>>;

    /// Leaves a command for a worker, which learns it with its next beat; says whether there is such a worker.
    async fn command(&self, worker: WorkerId, command: Command) -> Result<bool>;
}

/// Jobs that were handed out together, for [`Batch`].
pub(crate) type ClaimedJobs = Vec<Claimed>;
