use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shown::debug_fields;
use super::{BatchId, Failure, JobId, JobState, Progress, WorkerId};

/// A worker's right to say what became of a job.
///
/// Every outcome carries it, and a store accepts the outcome only while the job is running under this very lease:
/// a late writer is told [`Lost`](crate::store::Settled::Lost) and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The worker that claimed it.
    pub worker: WorkerId,
    /// Which claim this is, as the store numbers them. It tells two runs of the job apart that bear one attempt's number,
    /// because the first was handed back or snoozed.
    pub claim: u64,
}

/// A job handed to a worker.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// The right to write its outcome.
    pub lease: Lease,
    /// The stored name.
    pub name: String,
    /// The queue it was claimed from.
    pub queue: String,
    /// Its priority in the queue.
    pub priority: i32,
    /// Retries after the first attempt.
    pub retries: u32,
    /// How many workers died while they ran it.
    pub rescues: u32,
    /// The arguments: JSON as it was stored, not yet checked.
    pub args: String,
    /// Free words to find the job by.
    pub tags: Vec<String>,
    /// When it was dispatched.
    pub created_at: Timestamp,
    /// When it was due.
    pub run_at: Timestamp,
    /// Its place in a chain.
    pub chain: Option<Member>,
    /// Not retried after this time.
    pub retry_until: Option<Timestamp>,
    /// The version of its arguments' form.
    pub version: u32,
    /// The batch it is a member of, or is called back by.
    pub batch: Option<BatchId>,
    /// Where an earlier run of it said to go on, as JSON.
    pub checkpoint: Option<String>,
}

debug_fields!(Claimed { args, checkpoint } {
    lease, name, queue, priority, retries, rescues, tags, created_at, run_at, chain, retry_until, version, batch
});

impl Claimed {
    /// A job as a store hands it out; the optional parts are empty.
    #[must_use]
    pub fn new(lease: Lease, name: String, queue: String, args: String, created_at: Timestamp) -> Self {
        Self {
            lease,
            name,
            queue,
            priority: 0,
            retries: 0,
            rescues: 0,
            args,
            tags: Vec::new(),
            created_at,
            run_at: created_at,
            chain: None,
            retry_until: None,
            version: 1,
            batch: None,
            checkpoint: None,
        }
    }
}

/// A stored job's place in a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The chain's id: the id of its first member.
    pub chain: JobId,
    /// This member's place, from 0.
    pub position: u32,
    /// The name of the error handler that is called instead of the member's own.
    pub on_error: Option<String>,
}

/// A job as it is stored, for people and dashboards to look at.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The job.
    pub id: JobId,
    /// The stored name.
    pub name: String,
    /// The queue.
    pub queue: String,
    /// Within the queue, higher runs first.
    pub priority: i32,
    /// What has become of it.
    pub state: JobState,
    /// Whether it waits for a dead job, and so can't go on until somebody retries that one.
    pub blocked: bool,
    /// Attempts begun, less those given back.
    pub attempt: u32,
    /// Retries after the first attempt.
    pub retries: u32,
    /// How many workers died while they ran it.
    pub rescues: u32,
    /// The arguments as stored.
    pub args: String,
    /// What it returned, as JSON.
    pub output: Option<String>,
    /// Why it ended as it did, where there is more to say than the state.
    pub reason: Option<String>,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// When it was dispatched.
    pub created_at: Timestamp,
    /// When it is or was due.
    pub run_at: Timestamp,
    /// When its latest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub finished_at: Option<Timestamp>,
    /// Whose it is while it runs.
    pub worker: Option<WorkerId>,
    /// Whether somebody asked for the running job to be cancelled.
    pub cancel_requested: bool,
    /// Its place in a chain.
    pub chain: Option<Member>,
    /// The unique key that it was dispatched with, whether or not it still has it.
    pub unique_key: Option<String>,
    /// The key of the order that it is in.
    pub ordered: Option<String>,
    /// Never started after this time.
    pub expires_at: Option<Timestamp>,
    /// Not retried after this time.
    pub retry_until: Option<Timestamp>,
    /// How long it is kept after it has ended; `None` leaves that to the workers.
    pub retain: Option<std::time::Duration>,
    /// The version of its arguments' form.
    pub version: u32,
    /// The batch it is a member of, or is called back by.
    pub batch: Option<BatchId>,
    /// What keeps the ready job from being handed out: the key of a limit that is used up, or `paused job` and its name.
    /// `None` also for a job that no claim has met yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// How far it has come, by its own word; stays after its end.
    pub progress: Option<Progress>,
}

debug_fields!(Record { args, output } {
    id, name, queue, priority, state, blocked, attempt, retries, rescues, reason, tags, created_at, run_at,
    started_at, finished_at, worker, cancel_requested, chain, unique_key, ordered, expires_at, retry_until, retain,
    version, batch, held_by, progress
});

impl Record {
    /// A record of a fresh, ready job; a store fills in the rest.
    #[must_use]
    pub fn new(id: JobId, name: String, queue: String, args: String, created_at: Timestamp) -> Self {
        Self {
            id,
            name,
            queue,
            priority: 0,
            state: JobState::Ready,
            blocked: false,
            attempt: 0,
            retries: 0,
            rescues: 0,
            args,
            output: None,
            reason: None,
            tags: Vec::new(),
            created_at,
            run_at: created_at,
            started_at: None,
            finished_at: None,
            worker: None,
            cancel_requested: false,
            chain: None,
            unique_key: None,
            ordered: None,
            expires_at: None,
            retry_until: None,
            retain: None,
            version: 1,
            batch: None,
            held_by: None,
            progress: None,
        }
    }
}

/// One attempt that did not simply succeed, kept in the job's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The worker that ran it.
    pub worker: WorkerId,
    /// When its outcome was written.
    pub at: Timestamp,
    /// The outcome in one word: `failed`, `snoozed`, `rate limited`, `handed back`, `cancelled`, `discarded`, `dead`, `rescued`.
    pub outcome: String,
    /// What went wrong, where something did.
    pub failure: Option<Failure>,
}

impl Attempt {
    /// An entry of the history.
    #[must_use]
    pub fn new(attempt: u32, worker: WorkerId, at: Timestamp, outcome: String, failure: Option<Failure>) -> Self {
        Self { attempt, worker, at, outcome, failure }
    }
}
