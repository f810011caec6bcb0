use std::time::Duration;

use jiff::Timestamp;

use super::{Jobs, current};
use crate::clock::after;
use crate::error::Result;
use crate::job::{JobOptions, NewJob};

/// What a dispatch says that differs from the job's own options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placement {
    pub(crate) queue: Option<String>,
    pub(crate) priority: Option<i32>,
    pub(crate) retries: Option<u32>,
    pub(crate) due: Due,
    pub(crate) expires: Option<Expiry>,
    pub(crate) retry_for: Option<Duration>,
    pub(crate) retain: Option<Duration>,
    pub(crate) tags: Vec<String>,
    pub(crate) jobs: Option<Jobs>,
}

/// When a dispatched job is due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Due {
    #[default]
    Unnamed,
    In(Duration),
    At(Timestamp),
}

/// When a dispatched job expires.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expiry {
    After(Duration),
    At(Timestamp),
}

impl Placement {
    pub(crate) async fn client(&mut self) -> Result<Jobs> {
        match self.jobs.take() {
            Some(jobs) => Ok(jobs),
            None => current::get_or_open(None).await,
        }
    }

    /// The time before which the job must not run; `delay` is the job's own, for where the dispatch names no time.
    pub(crate) fn run_at(&self, delay: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
        match self.due {
            Due::Unnamed => delay.map(|wait| after(now, wait)),
            Due::In(wait) => Some(after(now, wait)),
            Due::At(time) => Some(time),
        }
    }

    /// The job as it is stored when it is dispatched `now` for the time `due`.
    pub(crate) fn place_at(&self, job: &mut NewJob, options: &JobOptions, due: Option<Timestamp>, now: Timestamp) {
        self.place(job);
        job.run_at = due;
        self.limit_time(job, options, due, now);
    }

    /// Writes into `job` the times that count from when it is dispatched, or from the later time it is dispatched for.
    pub(crate) fn limit_time(&self, job: &mut NewJob, options: &JobOptions, due: Option<Timestamp>, now: Timestamp) {
        let from = due.map_or(now, |due| due.max(now));
        job.expires_at = match self.expires {
            Some(Expiry::At(time)) => Some(time),
            Some(Expiry::After(wait)) => Some(after(from, wait)),
            None => options.expires.map(|wait| after(from, wait)),
        };
        job.retry_until = self.retry_for.or(options.retry_for).map(|wait| after(from, wait));
    }

    /// Writes everything but the times into `job`.
    pub(crate) fn place(&self, job: &mut NewJob) {
        if let Some(queue) = &self.queue {
            job.queue = queue.clone().into();
        }
        job.priority = self.priority.unwrap_or(job.priority);
        job.retries = self.retries.unwrap_or(job.retries);
        job.retain = self.retain.or(job.retain);
        job.tags.extend_from_slice(&self.tags);
    }
}

/// The builder methods that everything which can be dispatched has, on a field `placement`.
macro_rules! placement_methods {
    () => {
        /// Another queue than the job's own.
        pub fn queue(mut self, queue: impl Into<String>) -> Self {
            self.placement.queue = Some(queue.into());
            self
        }

        /// Another priority than the job's own: within a queue, higher runs first.
        pub fn priority(mut self, priority: i32) -> Self {
            self.placement.priority = Some(priority);
            self
        }

        /// Another number of retries after the first attempt than the job's own.
        pub fn retries(mut self, retries: u32) -> Self {
            self.placement.retries = Some(retries);
            self
        }

        /// Not before this time has passed.
        pub fn delay(mut self, delay: std::time::Duration) -> Self {
            self.placement.due = crate::client::placement::Due::In(delay);
            self
        }

        /// Not before this time of day; one that has passed is at once.
        pub fn at(mut self, time: jiff::Timestamp) -> Self {
            self.placement.due = crate::client::placement::Due::At(time);
            self
        }

        /// Not started any more when this time has passed since the dispatch, or since the later time that it is dispatched
        /// for: then it is discarded, and the rest of its chain is cancelled. A job that runs by then is left alone, but not
        /// tried again.
        pub fn expires(mut self, after: std::time::Duration) -> Self {
            self.placement.expires = Some(crate::client::placement::Expiry::After(after));
            self
        }

        /// Not started any more from this time of day on; see [`expires`](Self::expires).
        pub fn expires_at(mut self, time: jiff::Timestamp) -> Self {
            self.placement.expires = Some(crate::client::placement::Expiry::At(time));
            self
        }

        /// Not retried any more when this time has passed since the dispatch, or since the later time that it is dispatched
        /// for, whatever retries are left: a job whose next retry would come later is dead.
        pub fn retry_for(mut self, time: std::time::Duration) -> Self {
            self.placement.retry_for = Some(time);
            self
        }

        /// Kept for this long after its end, its result with it, and then forgotten, whatever the workers' rule is. One
        /// that is kept for no time is gone when it completes, so that nobody can wait for its result.
        pub fn retain(mut self, time: std::time::Duration) -> Self {
            self.placement.retain = Some(time);
            self
        }

        /// One more word to find the job by.
        pub fn tag(mut self, tag: impl Into<String>) -> Self {
            self.placement.tags.push(tag.into());
            self
        }

        /// This client instead of the one that code here uses when it names none.
        pub fn on(mut self, jobs: &crate::client::Jobs) -> Self {
            self.placement.jobs = Some(jobs.clone());
            self
        }
    };
}

pub(crate) use placement_methods;
