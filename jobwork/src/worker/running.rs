use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::job::{JobId, Lease, WorkerId};
use crate::perform::{CancelReason, Handler, JobContext};

/// The jobs this worker is running, and who may still write the outcome of each.
///
/// Writing an outcome begins with [`take`](Self::take), which succeeds once: the attempt and the shutdown may race for
/// a job, and only one of them speaks for it.
#[derive(Debug)]
pub(crate) struct RunningJobs {
    jobs: Mutex<HashMap<JobId, Running>>,
    /// How many attempts have not ended, those that are only writing their outcome among them.
    count: watch::Sender<usize>,
    /// The worker's end waits for nobody any more.
    closing: CancellationToken,
}

#[derive(Debug)]
struct Running {
    job: JobContext,
    handler: Arc<Handler>,
    task: Option<AbortHandle>,
    /// Nobody has spoken for it yet.
    open: bool,
}

impl RunningJobs {
    pub(crate) fn new() -> Self {
        Self { jobs: Mutex::default(), count: watch::Sender::new(0), closing: CancellationToken::new() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Running>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, job: JobContext, handler: Arc<Handler>) {
        let mut jobs = self.lock();
        jobs.insert(job.id(), Running { job, handler, task: None, open: true });
        self.count.send_replace(jobs.len());
    }

    /// Remembers the task of a job, to drop it by; a job that has ended already needs none.
    pub(crate) fn set_task(&self, id: JobId, task: AbortHandle) {
        if let Some(running) = self.lock().get_mut(&id) {
            running.task = Some(task);
        }
    }

    /// Whether the caller, and nobody else, may write the outcome of this job.
    pub(crate) fn take(&self, lease: Lease) -> bool {
        let mut jobs = self.lock();
        let running = jobs.get_mut(&lease.job).filter(|running| running.lease() == lease);
        running.is_some_and(|running| std::mem::take(&mut running.open))
    }

    /// Forgets an attempt that has ended.
    pub(crate) fn remove(&self, lease: Lease) {
        let mut jobs = self.lock();
        if jobs.get(&lease.job).is_some_and(|running| running.lease() == lease) {
            jobs.remove(&lease.job);
        }
        self.count.send_replace(jobs.len());
    }

    /// Takes out every job that nobody has spoken for, with the handle to drop its task by. What is left writes its own
    /// outcome, and is told by [`closing`](Self::closing) to do so now.
    pub(crate) fn take_all(&self) -> Vec<(JobContext, Option<AbortHandle>)> {
        let mut jobs = self.lock();
        let taken =
            jobs.extract_if(|_, running| running.open).map(|(_, running)| (running.job, running.task)).collect();
        self.count.send_replace(jobs.len());
        self.closing.cancel();
        taken
    }

    /// Waits until the worker's end waits for nobody any more. Cancel safe.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Waits until an attempt has ended. Cancel safe.
    #[cfg(feature = "testing")]
    pub(crate) async fn ended(&self, lease: Lease) {
        let mut count = self.count.subscribe();
        while self.lock().get(&lease.job).is_some_and(|running| running.lease() == lease) {
            // The sender lives in self, so the wait can't fail.
            let _ = count.changed().await;
        }
    }

    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until there are none. Cancel safe.
    pub(crate) async fn drained(&self) {
        let mut count = self.count.subscribe();
        // The sender lives in self, so the wait can't fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// Tells one job to stop.
    pub(crate) fn cancel(&self, id: JobId, reason: CancelReason) {
        if let Some(running) = self.lock().get(&id) {
            running.cancel(reason);
        }
    }

    /// Tells every job to stop, and returns the longest time that one of them has for cleanup.
    pub(crate) fn cancel_all(&self, reason: CancelReason) -> Duration {
        let jobs = self.lock();
        jobs.values().for_each(|running| running.cancel(reason));
        jobs.values().map(|running| running.handler.handling.cleanup).max().unwrap_or_default()
    }

    /// Tells the jobs of a worker that was declared dead that they belong to another one.
    pub(crate) fn lose(&self, worker: WorkerId) {
        for running in self.lock().values().filter(|running| running.lease().worker == worker) {
            running.cancel(CancelReason::LeaseLost);
        }
    }
}

impl Running {
    fn lease(&self) -> Lease {
        self.job.job().claimed.lease
    }

    fn cancel(&self, reason: CancelReason) {
        let deadline = Instant::now() + self.handler.handling.cleanup;
        self.job.job().cancel.fire(reason, deadline.into_std());
    }
}
