use std::time::Duration;

/// Where and how a job is dispatched when the call doesn't say otherwise.
///
/// ```
/// use jobwork::JobOptions;
///
/// const OPTIONS: JobOptions = JobOptions::DEFAULT.queue("mail").retries(5);
/// assert_eq!(OPTIONS.queue, "mail");
/// assert_eq!(OPTIONS.priority, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobOptions {
    /// The queue; `"default"` by default.
    pub queue: &'static str,
    /// Within a queue, higher runs first; 0 by default.
    pub priority: i32,
    /// Retries after the first attempt; 25 by default, as in Sidekiq (about 20 days with the default backoff).
    pub retries: u32,
    /// Not before this time after its dispatch, where the dispatch names no time; `None`, the default, is at once.
    pub delay: Option<Duration>,
    /// Never started later than this after its dispatch, or after the time it was dispatched for; `None`, the default, is
    /// no limit.
    pub expires: Option<Duration>,
    /// Not retried later than this after its dispatch, or after the time it was dispatched for, whatever retries are left;
    /// `None`, the default, is no limit.
    pub retry_for: Option<Duration>,
    /// How long it is kept after it has ended; `None`, the default, leaves that to the workers.
    pub retain: Option<Duration>,
    /// The version of the arguments' form; 1 by default. Raise it with every change that older workers can't read, or would
    /// read wrongly: they leave newer jobs to newer workers, which bring the older ones up to date by
    /// [`Perform::upgrade`](crate::Perform::upgrade).
    pub version: u32,
    /// Whether its arguments and its output are encrypted where they are stored; `false` by default. It takes the feature
    /// `encryption` and a keyring.
    pub encrypted: bool,
}

impl JobOptions {
    /// Queue `"default"`, priority 0, 25 retries, version 1, no delay, no limits of time.
    pub const DEFAULT: Self = Self {
        queue: "default",
        priority: 0,
        retries: 25,
        delay: None,
        expires: None,
        retry_for: None,
        retain: None,
        version: 1,
        encrypted: false,
    };

    /// These options with another queue.
    #[must_use]
    pub const fn queue(mut self, queue: &'static str) -> Self {
        self.queue = queue;
        self
    }

    /// These options with another priority.
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// These options with another number of retries.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// These options with a time before which the job is not started, from its dispatch on.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// These options with a time after which the job is not started any more.
    #[must_use]
    pub const fn expires(mut self, expires: Duration) -> Self {
        self.expires = Some(expires);
        self
    }

    /// These options with a time after which the job is not retried any more.
    #[must_use]
    pub const fn retry_for(mut self, retry_for: Duration) -> Self {
        self.retry_for = Some(retry_for);
        self
    }

    /// These options with a time for which the job is kept after it has ended.
    #[must_use]
    pub const fn retain(mut self, retain: Duration) -> Self {
        self.retain = Some(retain);
        self
    }

    /// These options with another version of the arguments' form.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// These options with or without encryption.
    #[must_use]
    pub const fn encrypted(mut self, encrypted: bool) -> Self {
        self.encrypted = encrypted;
        self
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}
