use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClaimedJobs, QueueCap};
use crate::job::{BatchId, JobId, JobState, WorkerId};

/// A worker asks for jobs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who asks; must have joined with a beat.
    pub worker: WorkerId,
    /// The queues it serves, each once, most important first: one is emptied before the next is looked at.
    /// `None` serves every queue, in no particular order.
    pub queues: Option<Arc<[String]>>,
    /// The jobs it can perform; others are left for a worker that can.
    pub names: Arc<[Served]>,
    /// How many at most.
    pub limit: usize,
    /// Each such time that a job has been due for adds one to its priority; `None` lets nothing age.
    pub ageing: Option<Duration>,
    /// Queues of which fewer are wanted.
    pub caps: Arc<[QueueCap]>,
    /// The time it is.
    pub now: Timestamp,
}

/// A name under which a worker performs jobs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// The stored name.
    pub name: String,
    /// The newest version of the arguments that it understands; newer ones are left for a worker that does.
    pub version: u32,
}

/// What a worker got.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The jobs, the most urgent first.
    pub jobs: ClaimedJobs,
    /// When the next job this worker could perform falls due, where the store knows and there is nothing ready
    /// before it. A time that has passed says that there may be more now: the claim came upon jobs that had expired.
    pub next_due: Option<Timestamp>,
}

/// Whether an outcome was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was.
    Stored,
    /// It was not: the job is not running under that lease any more.
    Lost,
}

/// A worker says that it lives.
#[derive(Clone, Debug)]
pub struct Beat {
    /// The worker.
    pub worker: Arc<WorkerInfo>,
    /// Whether it comes, lives or goes.
    pub kind: BeatKind,
    /// What it is doing.
    pub state: WorkerState,
    /// How many jobs it is running.
    pub running: usize,
    /// Without another beat for this long it is dead, and its jobs belong to whoever rescues them.
    pub lease: Duration,
    /// The time it is.
    pub now: Timestamp,
}

/// Which beat of a worker's life this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeatKind {
    /// The first: the worker becomes known.
    Join,
    /// One of many.
    Live,
    /// The last: the worker is forgotten, and jobs it should still have are rescued at once.
    Leave,
}

/// What a worker learns from a beat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The store has declared this worker dead: its jobs belong to others.
    pub gone: bool,
    /// Jobs of this worker that somebody asked to cancel. Repeated with every beat until their outcome is written.
    pub cancel: Vec<JobId>,
    /// What an operator wants of the worker; told once.
    pub command: Option<Command>,
}

/// What an operator can want of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Command {
    /// Claim nothing more, but stay.
    Quiet,
    /// Claim again.
    Resume,
    /// Stop, as on SIGTERM.
    Stop,
}

impl Command {
    /// The command as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkerState {
    /// Not yet claiming.
    Starting,
    /// Claiming and performing.
    Running,
    /// Claiming nothing, performing what it has.
    Quiet,
    /// Asked to stop: its jobs may finish undisturbed.
    Draining,
    /// Its jobs have been told to stop.
    Cancelling,
    /// Over.
    Stopped,
}

impl WorkerState {
    /// The state as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Quiet => "quiet",
            Self::Draining => "draining",
            Self::Cancelling => "cancelling",
            Self::Stopped => "stopped",
        }
    }
}

/// Who a worker is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// Fresh per start.
    pub id: WorkerId,
    /// The host's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The queues it serves; empty for all.
    pub queues: Vec<String>,
    /// How many jobs it runs at a time.
    pub concurrency: usize,
    /// When it started.
    pub started_at: Timestamp,
}

/// A worker as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Who it is.
    #[serde(flatten)]
    pub info: WorkerInfo,
    /// What it was doing at its last beat.
    pub state: WorkerState,
    /// How many jobs it was running at its last beat.
    pub running: usize,
    /// When it beat last, as far as the store keeps it.
    pub last_beat: Timestamp,
    /// Until when it is taken to be alive.
    pub expires_at: Timestamp,
}

/// Asks for the jobs of dead workers.
#[derive(Clone, Copy, Debug)]
pub struct Rescue {
    /// A job whose worker died this many times is dead as a poison pill; 0 never.
    pub poison_after: u32,
    /// The time it is.
    pub now: Timestamp,
}

/// What asking for a cancel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CancelAnswer {
    /// The job is cancelled.
    Cancelled,
    /// The job runs, and its worker is told to cancel it.
    Requested,
    /// The job had ended before.
    Ended,
    /// There is no such job.
    NotFound,
}

/// Which jobs to list. An empty filter matches every job.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in one of these states.
    pub states: Vec<JobState>,
    /// Only in this queue.
    pub queue: Option<String>,
    /// Only of this name.
    pub name: Option<String>,
    /// Only with all of these tags.
    pub tags: Vec<String>,
    /// Only dispatched after this time.
    pub created_after: Option<Timestamp>,
    /// Only dispatched before this time.
    pub created_before: Option<Timestamp>,
    /// Only those that ended before this time.
    pub finished_before: Option<Timestamp>,
    /// Only with this text in the reason of their end or in the message of a failed attempt, whether its ASCII letters are
    /// large or small.
    pub error: Option<String>,
    /// Only members of this batch; its callbacks are none.
    pub batch: Option<BatchId>,
    /// At most so many; `None` is all.
    pub limit: Option<usize>,
    /// Only jobs dispatched before this one, to read on from the end of the last page.
    pub before: Option<JobId>,
}

/// Which batches to list. An empty filter matches every batch.
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    /// Only members of this batch.
    pub parent: Option<BatchId>,
    /// At most so many; `None` is all.
    pub limit: Option<usize>,
    /// Only batches dispatched before this one, to read on from the end of the last page.
    pub before: Option<BatchId>,
}

/// How many jobs there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Waiting for another job.
    pub waiting: u64,
    /// Due later.
    pub scheduled: u64,
    /// Due now.
    pub ready: u64,
    /// Owned by a worker.
    pub running: u64,
    /// Succeeded.
    pub completed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Ended by their own word.
    pub discarded: u64,
    /// Failed for good.
    pub dead: u64,
}

impl Counts {
    /// The count of one state, to read or to change.
    pub fn of(&mut self, state: JobState) -> &mut u64 {
        match state {
            JobState::Waiting => &mut self.waiting,
            JobState::Scheduled => &mut self.scheduled,
            JobState::Ready => &mut self.ready,
            JobState::Running => &mut self.running,
            JobState::Completed => &mut self.completed,
            JobState::Cancelled => &mut self.cancelled,
            JobState::Discarded => &mut self.discarded,
            JobState::Dead => &mut self.dead,
        }
    }

    /// Jobs that are not final.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.waiting + self.scheduled + self.ready + self.running
    }
}

/// What a queue holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCounts {
    /// The queue.
    pub queue: String,
    /// Jobs that wait for another job.
    pub waiting: u64,
    /// Jobs that are due later.
    pub scheduled: u64,
    /// Jobs that are due.
    pub ready: u64,
    /// Jobs that a worker owns.
    pub running: u64,
    /// Since when the oldest ready job has been due.
    pub oldest_due: Option<Timestamp>,
}

impl QueueCounts {
    /// A queue that holds nothing.
    #[must_use]
    pub fn empty(queue: &str) -> Self {
        Self { queue: queue.to_owned(), waiting: 0, scheduled: 0, ready: 0, running: 0, oldest_due: None }
    }
}
