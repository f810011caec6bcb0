use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::{BatchPlace, Flow, Job, JobOptions};

/// A job as it is dispatched: everything a store keeps of it before it runs.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewJob {
    /// The stored name; a worker finds the handler by it.
    pub name: Cow<'static, str>,
    /// The queue.
    pub queue: Cow<'static, str>,
    /// Within the queue, higher runs first.
    pub priority: i32,
    /// Retries after the first attempt.
    pub retries: u32,
    /// Not before this time; `None` is at once.
    pub run_at: Option<Timestamp>,
    /// Never started after this time.
    pub expires_at: Option<Timestamp>,
    /// Not retried after this time.
    pub retry_until: Option<Timestamp>,
    /// How long it is kept after it has ended; `None` leaves that to the workers.
    pub retain: Option<Duration>,
    /// The version of its arguments' form; 1 is the first.
    pub version: u32,
    /// The arguments: a JSON object by parameter name, or an array in parameter order.
    pub args: String,
    /// Whether the client encrypts the arguments before it hands the job to the store, after the dispatch hooks.
    pub encrypted: bool,
    /// Free words to find the job by.
    pub tags: Vec<String>,
    /// What must complete before this job is ready; empty for a job by itself.
    pub waits: Vec<Wait>,
    /// The chain this job is a member of.
    pub chain: Option<Membership>,
    /// What it shares with other jobs.
    pub flow: Flow,
    /// The batch it is a member of.
    pub batch: Option<BatchPlace>,
}

/// A job of the same push that must complete first, and where its output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The index, in the push, of the job to wait for; smaller than the waiting job's own.
    pub on: usize,
    /// The key of the arguments that takes the output; `None` leaves the arguments as they are.
    pub slot: Option<String>,
}

/// A job's place in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The index, in the push, of the chain's first member, whose id is the chain's id.
    pub first: usize,
    /// This member's place, from 0.
    pub position: u32,
    /// The name of the error handler that is called instead of the member's own.
    pub on_error: Option<String>,
}

impl NewJob {
    /// A job of this name, with these JSON arguments, and the default options.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, args: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            queue: Cow::Borrowed(JobOptions::DEFAULT.queue),
            priority: JobOptions::DEFAULT.priority,
            retries: JobOptions::DEFAULT.retries,
            run_at: None,
            expires_at: None,
            retry_until: None,
            retain: None,
            version: JobOptions::DEFAULT.version,
            args: args.into(),
            encrypted: JobOptions::DEFAULT.encrypted,
            tags: Vec::new(),
            waits: Vec::new(),
            chain: None,
            flow: Flow::default(),
            batch: None,
        }
    }

    /// A job of type `J` with these JSON arguments and the options of the type.
    #[must_use]
    pub fn of<J: Job>(args: String) -> Self {
        Self::new(J::NAME, args).with_options(J::OPTIONS)
    }

    /// This job with the options of a type.
    #[must_use]
    #[inline]
    pub fn with_options(mut self, options: JobOptions) -> Self {
        self.queue = Cow::Borrowed(options.queue);
        self.priority = options.priority;
        self.retries = options.retries;
        self.retain = options.retain;
        self.version = options.version;
        self.encrypted = options.encrypted;
        self
    }
}

impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob")
            .field("name", &self.name)
            .field("args", if self.encrypted { &"<encrypted>" } else { &self.args })
            .field("version", &self.version)
            .field("queue", &self.queue)
            .field("priority", &self.priority)
            .field("retries", &self.retries)
            .field("run_at", &self.run_at)
            .field("tags", &self.tags)
            .field("waits", &self.waits)
            .field("chain", &self.chain)
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}
