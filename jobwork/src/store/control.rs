use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::job::{Limit, Rate};

/// Holding jobs back by hand: pauses, and the limits of whole queues.
///
/// What is set here is stored, holds for every worker of the store from its next claim on, and survives restarts.
#[async_trait]
pub trait Control: Send + Sync {
    /// Nothing of the target is handed out until it is resumed, or until the given time. What runs goes on.
    /// A second pause of the same target takes the place of the first.
    async fn pause(&self, target: &Target, until: Option<Timestamp>, now: Timestamp) -> Result<()>;

    /// Ends a pause, and says whether there was one.
    async fn resume(&self, target: &Target, now: Timestamp) -> Result<bool>;

    /// What is paused now.
    async fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>>;

    /// Sets what the jobs of a queue share, whatever else they carry; an empty limit sets it free.
    ///
    /// What a worker's start sets ([`SetBy::Start`]) counts only where it differs from what the last start set, so that a
    /// limit set by hand holds until a program with another number starts.
    async fn limit_queue(&self, queue: &str, limit: QueueLimit, by: SetBy) -> Result<()>;

    /// The queues with limits, by name.
    async fn queue_limits(&self) -> Result<Vec<(String, QueueLimit)>>;
}

/// What can be paused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Target {
    /// All jobs.
    Everything,
    /// The jobs of a queue.
    Queue(String),
    /// The jobs of a name.
    Job(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Queue(queue) => write!(f, "queue {queue}"),
            Self::Job(name) => write!(f, "job {name}"),
        }
    }
}

/// A target that is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pause {
    /// What is paused.
    pub target: Target,
    /// When it resumes by itself.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// A pause of this target.
    #[must_use]
    pub fn new(target: Target, until: Option<Timestamp>) -> Self {
        Self { target, until }
    }
}

/// Who sets a queue's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// Somebody who runs the system.
    Hand,
    /// A worker that starts, from its program.
    Start,
}

/// What the jobs of a queue share over all workers of a store. Nothing by default.
///
/// ```
/// use std::time::Duration;
/// use jobwork::QueueLimit;
///
/// let mail = QueueLimit::new().concurrency(5).rate(100, Duration::from_secs(60));
/// assert!(!mail.is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueueLimit {
    /// So many of them run at once.
    pub concurrency: Option<u32>,
    /// So many of them start in a time.
    pub rate: Option<Rate>,
}

impl QueueLimit {
    /// No limit.
    #[must_use]
    pub const fn new() -> Self {
        Self { concurrency: None, rate: None }
    }

    /// At most so many jobs of the queue run at once; at least 1.
    #[must_use]
    pub const fn concurrency(mut self, count: u32) -> Self {
        self.concurrency = Some(count);
        self
    }

    /// At most so many jobs of the queue start in each `per`, over time; so many may start together.
    #[must_use]
    pub const fn rate(mut self, count: u32, per: Duration) -> Self {
        self.rate = Some(Rate { count, per });
        self
    }

    /// Whether it limits nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.concurrency.is_none() && self.rate.is_none()
    }

    /// The same as limits of a key.
    pub(crate) fn limits(self, key: &str) -> Vec<Limit> {
        let concurrency = self.concurrency.map(|count| Limit::concurrency(key, count));
        let rate = self.rate.map(|rate| Limit::rate(key, rate.count, rate.per));
        concurrency.into_iter().chain(rate).collect()
    }

    /// Refuses limits under which nothing could ever run.
    pub(crate) fn check(self, queue: &str) -> Result<()> {
        let refused = self.limits("").iter().find_map(super::limits::mistake);
        refused.map_or(Ok(()), |mistake| Err(Error::store(format!("the limit of queue {queue:?}: {mistake}"))))
    }
}
