use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::{CancelSignal, Notebook, States};
use crate::client::{BatchHandle, current};
use crate::job::{Claimed, JobId, Lease, Member, WorkerId};

/// What a job can know about itself: take it as a parameter. Middleware is given it too.
///
/// Cheap to clone; clones share one job.
#[derive(Clone)]
pub struct JobContext(Arc<Job>);

/// One attempt of one job, as everything that performs it shares it.
pub(crate) struct Job {
    pub(crate) claimed: Claimed,
    pub(crate) started_at: Timestamp,
    /// Made when somebody asks for it: most jobs end before they are told to stop, and don't look.
    cancel: OnceLock<CancelSignal>,
    pub(crate) states: States,
    pub(crate) finished: AtomicBool,
    /// Whether what it returns is encrypted where it is stored.
    pub(crate) encrypted: AtomicBool,
    pub(crate) notebook: Notebook,
}

impl Job {
    /// The signal that tells it to stop.
    pub(crate) fn cancel(&self) -> &CancelSignal {
        self.cancel.get_or_init(CancelSignal::new)
    }

    /// The signal, where anybody has fired it or looked at it.
    pub(crate) fn used_cancel(&self) -> Option<&CancelSignal> {
        self.cancel.get()
    }
}

impl JobContext {
    pub(crate) fn new(claimed: Claimed, started_at: Timestamp, states: States, notebook: Notebook) -> Self {
        Self(Arc::new(Job {
            claimed,
            started_at,
            cancel: OnceLock::new(),
            states,
            finished: AtomicBool::new(false),
            encrypted: AtomicBool::new(false),
            notebook,
        }))
    }

    pub(crate) fn job(&self) -> &Job {
        &self.0
    }

    /// A context for calling a job's function by itself, in a unit test for instance.
    #[must_use]
    pub fn detached(name: &str) -> Self {
        let now = Timestamp::now();
        let lease = Lease { job: JobId::derive(0, now), attempt: 1, worker: WorkerId::fresh(), claim: 1 };
        let claimed = Claimed::new(lease, name.to_owned(), "default".to_owned(), "{}".to_owned(), now);
        Self::new(claimed, now, States::default(), Notebook::default())
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.claimed.lease.job
    }

    /// The job's stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.claimed.name
    }

    /// The attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.claimed.lease.attempt
    }

    /// Retries that are left if this attempt fails.
    #[must_use]
    pub fn retries_left(&self) -> u32 {
        self.0.claimed.retries.saturating_add(1).saturating_sub(self.attempt())
    }

    /// How many workers died while they ran this job.
    #[must_use]
    pub fn rescues(&self) -> u32 {
        self.0.claimed.rescues
    }

    /// The queue it was claimed from.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.0.claimed.queue
    }

    /// Its priority in the queue.
    #[must_use]
    pub fn priority(&self) -> i32 {
        self.0.claimed.priority
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.0.claimed.tags
    }

    /// The arguments as they are stored, in JSON. They can hold secrets: think before you log them.
    #[must_use]
    pub fn args(&self) -> &str {
        &self.0.claimed.args
    }

    /// The version of the job that its arguments were stored by.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.0.claimed.version
    }

    /// When it was dispatched.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.0.claimed.created_at
    }

    /// When it was due.
    #[must_use]
    pub fn run_at(&self) -> Timestamp {
        self.0.claimed.run_at
    }

    /// The tick of the schedule that made it; `None` for a job that no schedule made. A run that was asked for out of turn has the time
    /// at which it was made.
    #[must_use]
    pub fn tick(&self) -> Option<Timestamp> {
        crate::job::tick(self.tags())
    }

    /// When this attempt began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// The chain it belongs to.
    #[must_use]
    pub fn chain(&self) -> Option<&Member> {
        self.0.claimed.chain.as_ref()
    }

    /// The batch it is a member of, or is called back by: to add to it while it is open, or to see how it went. Use it in the
    /// job itself: a task that the job spawns uses the client of the process, and where there is none, there is no batch.
    #[must_use]
    pub fn batch(&self) -> Option<BatchHandle> {
        let id = self.0.claimed.batch?;
        Some(current::get()?.batch(id))
    }

    /// The worker that runs it.
    #[must_use]
    pub fn worker(&self) -> WorkerId {
        self.0.claimed.lease.worker
    }

    /// The signal that tells this job to stop.
    #[must_use]
    pub fn cancel_signal(&self) -> CancelSignal {
        self.0.cancel().clone()
    }

    /// The application state of this type, if it was given to the app.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.states.get::<T>()
    }

    /// Says that the job's work is done, although it was told to stop: its `Ok` is then recorded as completed.
    ///
    /// Call it last. It changes nothing for a job that was not told to stop.
    pub fn finished(&self) {
        self.0.finished.store(true, Ordering::Release);
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The arguments stay out: they can hold secrets.
        f.debug_struct("JobContext")
            .field("name", &self.name())
            .field("id", &self.id())
            .field("attempt", &self.attempt())
            .field("queue", &self.queue())
            .finish_non_exhaustive()
    }
}
