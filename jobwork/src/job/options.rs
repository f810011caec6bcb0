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
}

impl JobOptions {
    /// Queue `"default"`, priority 0, 25 retries.
    pub const DEFAULT: Self = Self { queue: "default", priority: 0, retries: 25 };

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
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}
