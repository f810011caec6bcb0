use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::upgrade::no_upgrade;
use super::{ErrorHandler, IntoErrorHandler, JobContext, Middleware, States};
use crate::job::{Backoff, Job, JobError, LogLevel};

/// A job that can be performed here, because its function is linked.
///
/// `#[job]` writes this implementation.
pub trait Perform: Job {
    /// Where it runs.
    const KIND: Kind = Kind::Async;

    /// How its attempts are treated; asked once, when a worker starts.
    #[must_use]
    fn handling() -> Handling {
        Handling::new()
    }

    /// The types of state it needs and the app was not given.
    #[must_use]
    fn missing(states: &States) -> Vec<&'static str> {
        let _ = states;
        Vec::new()
    }

    /// Reads arguments that an older version of the job stored; most often by way of [`Upgrades`](crate::Upgrades).
    ///
    /// # Errors
    /// A failure of the kind [`Undecodable`](crate::FailureKind::Undecodable) where there is no way from that version to
    /// today's, which is the default: the job is dead then, its arguments are kept, and it can be retried by a program that
    /// has an upgrade.
    fn upgrade(version: u32, args: &str) -> Result<Self, JobError> {
        let _ = args;
        Err(no_upgrade::<Self>(version))
    }

    /// Runs one attempt.
    fn perform(self, job: JobContext) -> impl Future<Output = Result<Self::Output, JobError>> + Send;
}

/// Where a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On the async threads.
    Async,
    /// On a thread of its own from a bounded pool.
    Blocking,
}

/// How the attempts of a job are treated: time limits, retries, and what surrounds them.
#[derive(Clone)]
pub struct Handling {
    pub(crate) timeout: Option<Duration>,
    pub(crate) cleanup: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) retry_if: Option<fn(&JobError) -> bool>,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) on_error: Option<Arc<dyn ErrorHandler>>,
    pub(crate) on_dead: Option<Arc<dyn ErrorHandler>>,
    #[cfg(feature = "cron")]
    pub(crate) cron: Option<super::Cron>,
    pub(crate) keep_log: Option<LogLevel>,
}

impl Handling {
    /// No timeout, 3 seconds of cleanup, the default backoff, every error worth retrying, nothing round it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            timeout: None,
            cleanup: Duration::from_secs(3),
            backoff: Backoff::default(),
            retry_if: None,
            middleware: Vec::new(),
            on_error: None,
            on_dead: None,
            #[cfg(feature = "cron")]
            cron: None,
            keep_log: None,
        }
    }

    /// The time for one attempt; then its cancel signal fires.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The time between the cancel signal and the end of the attempt's task.
    #[must_use]
    pub fn cleanup(mut self, cleanup: Duration) -> Self {
        self.cleanup = cleanup;
        self
    }

    /// How long it waits between attempts.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Which errors are worth another attempt; a job that fails with another one is dead at once.
    #[must_use]
    pub fn retry_if(mut self, worth: fn(&JobError) -> bool) -> Self {
        self.retry_if = Some(worth);
        self
    }

    /// Adds middleware, inside of what was added before.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Called after every failed attempt.
    #[must_use]
    pub fn on_error<M>(mut self, handler: impl IntoErrorHandler<M>) -> Self {
        self.on_error = Some(handler.into_error_handler());
        self
    }

    /// Called when no attempt is left.
    #[must_use]
    pub fn on_dead<M>(mut self, handler: impl IntoErrorHandler<M>) -> Self {
        self.on_dead = Some(handler.into_error_handler());
        self
    }

    /// Dispatches jobs on a schedule, from every worker that performs this job.
    #[cfg(feature = "cron")]
    #[must_use]
    pub fn cron(mut self, cron: super::Cron) -> Self {
        self.cron = Some(cron);
        self
    }

    /// Keeps what the job logs with `tracing` with the job, as far as it is at least this grave; nothing by default.
    ///
    /// The program's subscriber needs the layer `JobLog` of the feature `log`, which that of `#[jobwork::main]` has.
    #[must_use]
    pub fn keep_log(mut self, least: LogLevel) -> Self {
        self.keep_log = Some(least);
        self
    }
}

impl Default for Handling {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.middleware.iter().map(|layer| layer.name()).collect();
        let mut text = f.debug_struct("Handling");
        text.field("timeout", &self.timeout)
            .field("cleanup", &self.cleanup)
            .field("backoff", &self.backoff)
            .field("middleware", &names);
        #[cfg(feature = "cron")]
        text.field("cron", &self.cron);
        text.field("keep_log", &self.keep_log).finish_non_exhaustive()
    }
}
