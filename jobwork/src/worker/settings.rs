use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::queues::Queues;
use crate::store::{QueueLimit, Retention};

/// How its worker works.
impl App {
    /// Serves only these queues. Names are a strict order, the most important first: one is emptied before the next is looked
    /// at. For an order that is drawn by weight or at random see [`Queues`].
    /// By default every queue is served, in no particular order.
    pub fn queues(mut self, queues: impl Into<Queues>) -> Self {
        self.config.queues = Some(queues.into());
        self
    }

    /// What all jobs of a queue share over all workers of the store, whatever else they carry: written to the store when
    /// the worker starts. A limit set by hand ([`Jobs::limit_queue`](crate::Jobs::limit_queue)) holds until a
    /// start that names another one than the last start did.
    ///
    /// ```
    /// use std::time::Duration;
    /// use jobwork::{App, QueueLimit};
    ///
    /// let app = App::new().limit_queue("mail", QueueLimit::new().concurrency(5).rate(100, Duration::from_secs(60)));
    /// # let _ = app;
    /// ```
    pub fn limit_queue(mut self, queue: impl Into<String>, limit: QueueLimit) -> Self {
        self.config.queue_limits.insert(queue.into(), limit);
        self
    }

    /// How many jobs of this queue the worker runs at a time, at least 1; by default as many as of any other. Those that it
    /// has claimed and not yet started count too. To be called once for each queue with a limit of its own.
    ///
    /// ```
    /// # use jobwork::App;
    /// let app = App::new().concurrency(50).queue_concurrency("mail", 5).queue_concurrency("media", 2);
    /// # let _ = app;
    /// ```
    pub fn queue_concurrency(mut self, queue: impl Into<String>, jobs: usize) -> Self {
        self.config.queue_concurrency.insert(queue.into(), jobs.max(1));
        self
    }

    /// Lets jobs age: each such time that a job has been due for adds one to its priority within its queue, so that none
    /// waits for ever behind more urgent ones. By default nothing ages.
    ///
    /// With an hour, a job of priority 0 comes before a new one of priority 5 when it has waited for five hours. It concerns
    /// what this worker claims; the stored priority stays.
    pub fn ageing(mut self, one_more: Duration) -> Self {
        self.config.ageing = Some(one_more);
        self
    }

    /// How many async jobs run at a time; 100 by default, at least 1.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.config.concurrency = jobs.max(1);
        self
    }

    /// How many blocking jobs (a plain `fn`) run at a time, each on a thread; by default as many as there are cores, at least 1.
    pub fn blocking_threads(mut self, threads: usize) -> Self {
        self.config.blocking = threads.max(1);
        self
    }

    /// How long running jobs may go on undisturbed after a stop was asked; 25 seconds by default.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.config.shutdown_timeout = timeout;
        self
    }

    /// How often the store is asked for jobs when it gives no hint that there are any; 1 second by default.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.config.poll_interval = interval;
        self
    }

    /// How long the store believes that the worker lives without hearing from it; 15 seconds by default. The lease is renewed
    /// long before that, by a thread that nothing else can hold up.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.config.lease = lease;
        self
    }

    /// A job that was running when its worker died this many times is dead as a poison pill; 3 by default, 0 never.
    pub fn poison_after(mut self, deaths: u32) -> Self {
        self.config.poison_after = deaths;
        self
    }

    /// How long jobs are kept that have ended and say nothing about it themselves (`retain`); by default as
    /// [`Retention`] says. Every worker forgets old jobs, of whatever name and queue, a few hundred at a time, so give all
    /// workers of a store the same rule.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.config.retention = Arc::new(retention);
        self
    }

    /// Whether SIGTERM, SIGINT, SIGTSTP and SIGCONT are obeyed; by default in [`run`](Self::run) and not in
    /// [`spawn`](Self::spawn).
    pub fn signals(mut self, obeyed: bool) -> Self {
        self.config.signals = Some(obeyed);
        self
    }

    /// Runs the worker's own tasks on the caller's runtime instead of a thread of their own: for tests with a paused
    /// clock. In production a job that blocks the async threads would then keep the worker from beating.
    pub fn single_runtime(mut self, single: bool) -> Self {
        self.config.single_runtime = single;
        self
    }

    /// Draws what a worker draws by chance from this seed, its ids too, so that it does the same in every run: for simulations. The ids are fresh
    /// no more, so each start of a worker needs a seed that no other one on the store has had.
    #[cfg(feature = "testing")]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }
}
