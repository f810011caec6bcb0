use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::after;
use crate::job::JobState;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long jobs are kept that have ended, unless they say so themselves (`retain`).
///
/// By default completed, cancelled and discarded jobs are kept for 7 days; dead ones for 180 days, and of each job's name the
/// newest 10,000, for somebody may want to look at them and retry them.
///
/// ```
/// use std::time::Duration;
/// use jobwork::store::{Keep, Retention};
///
/// let hour = Duration::from_secs(3600);
/// let retention = Retention::default()
///     .completed(Keep::for_time(24 * hour).at_most(100_000))
///     .job("ping", Retention::default().completed(Keep::for_time(hour)));
/// # assert_ne!(retention, Retention::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    completed: Keep,
    cancelled: Keep,
    discarded: Keep,
    dead: Keep,
    jobs: BTreeMap<String, Retention>,
}

/// How long jobs of one name and one end are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Counted from the end of the job; `None` is for ever.
    pub age: Option<Duration>,
    /// The newest so many of each name; `None` is all.
    pub count: Option<u64>,
}

impl Keep {
    /// For ever, and all of them.
    #[must_use]
    pub const fn forever() -> Self {
        Self { age: None, count: None }
    }

    /// So long after their end.
    #[must_use]
    pub const fn for_time(age: Duration) -> Self {
        Self { age: Some(age), count: None }
    }

    /// The newest so many of each name.
    #[must_use]
    pub const fn at_most(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

impl Retention {
    /// Everything is kept, until somebody deletes it.
    #[must_use]
    pub const fn forever() -> Self {
        let keep = Keep::forever();
        Self { completed: keep, cancelled: keep, discarded: keep, dead: keep, jobs: BTreeMap::new() }
    }

    /// What becomes of completed jobs.
    #[must_use]
    pub fn completed(mut self, keep: Keep) -> Self {
        self.completed = keep;
        self
    }

    /// What becomes of cancelled jobs.
    #[must_use]
    pub fn cancelled(mut self, keep: Keep) -> Self {
        self.cancelled = keep;
        self
    }

    /// What becomes of discarded jobs.
    #[must_use]
    pub fn discarded(mut self, keep: Keep) -> Self {
        self.discarded = keep;
        self
    }

    /// What becomes of dead jobs. The members of a chain that wait for one are cancelled when it goes.
    #[must_use]
    pub fn dead(mut self, keep: Keep) -> Self {
        self.dead = keep;
        self
    }

    /// Another rule for the jobs of this name.
    #[must_use]
    pub fn job(mut self, name: impl Into<String>, retention: Self) -> Self {
        self.jobs.insert(name.into(), retention);
        self
    }

    /// The rule for a job of this name that ended so; what has not ended is kept.
    pub(crate) fn of(&self, name: &str, state: JobState) -> Keep {
        let rule = self.jobs.get(name).unwrap_or(self);
        match state {
            JobState::Completed => rule.completed,
            JobState::Cancelled => rule.cancelled,
            JobState::Discarded => rule.discarded,
            JobState::Dead => rule.dead,
            _ => Keep::forever(),
        }
    }
}

/// What a store asks that hands the rules to a server.
#[cfg(feature = "postgres")]
impl Retention {
    /// The names of jobs with rules of their own.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.jobs.keys().map(String::as_str)
    }
}

/// What a store asks that does not look at every job.
#[cfg(feature = "sqlite")]
impl Retention {
    /// Whether a rule says how many of this end are kept.
    pub(crate) fn has_count(&self, state: JobState) -> bool {
        self.rules(state).any(|keep| keep.count.is_some())
    }

    /// The shortest time for which a rule keeps jobs of this end; `None` where all are kept for ever.
    pub(crate) fn shortest(&self, state: JobState) -> Option<Duration> {
        self.rules(state).filter_map(|keep| keep.age).min()
    }

    fn rules(&self, state: JobState) -> impl Iterator<Item = Keep> {
        let own = self.jobs.values().map(move |rule| rule.of("", state));
        own.chain([self.of("", state)])
    }
}

impl Default for Retention {
    fn default() -> Self {
        let week = Keep::for_time(7 * DAY);
        Self { dead: Keep::for_time(180 * DAY).at_most(10_000), ..Self::forever() }
            .completed(week)
            .cancelled(week)
            .discarded(week)
    }
}

/// Asks for the jobs to be forgotten that have ended and been kept long enough.
#[derive(Clone, Debug)]
pub struct Prune {
    /// The rule for jobs that say nothing about it themselves.
    pub retention: Arc<Retention>,
    /// At most so many, the oldest of each name first.
    pub limit: usize,
    /// The time it is.
    pub now: Timestamp,
}

impl Prune {
    /// Whether a job that ended then has been kept for this long.
    pub(crate) fn is_over(&self, ended: Timestamp, kept: Duration) -> bool {
        after(ended, kept) <= self.now
    }
}
