use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::by_id::ById;
use crate::job::{JobId, Lease, WorkerId};
use crate::perform::{CancelReason, Handler, JobContext};

/// The jobs this worker is running: those whose attempt has not ended, some of which are only writing their outcome.
#[derive(Debug)]
pub(crate) struct RunningJobs {
    jobs: Mutex<ById<Arc<Running>>>,
    /// An attempt has ended.
    ended: Notify,
    /// The worker's end waits for nobody any more.
    closing: CancellationToken,
}

/// A job that this worker is running, and whether somebody may still write its outcome.
///
/// Writing an outcome begins with [`take`](Self::take), which succeeds once: the attempt and the shutdown may race for
/// a job, and only one of them speaks for it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) job: JobContext,
    pub(crate) handler: Arc<Handler>,
    task: Task,
    /// Somebody has spoken for it.
    taken: AtomicBool,
}

/// What the task that performs a job is dropped by, once the task has begun.
pub(crate) type Task = Arc<OnceLock<AbortHandle>>;

impl RunningJobs {
    pub(crate) fn new() -> Self {
        Self { jobs: Mutex::default(), ended: Notify::new(), closing: CancellationToken::new() }
    }

    fn lock(&self) -> MutexGuard<'_, ById<Arc<Running>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job in. If the worker still runs an earlier claim of it, nobody speaks for that one any more.
    pub(crate) fn add(&self, running: &Arc<Running>) {
        let earlier = self.lock().insert(running.job.id(), Arc::clone(running));
        if let Some(earlier) = earlier {
            earlier.take();
        }
    }

    /// Forgets an attempt that has ended.
    pub(crate) fn remove(&self, lease: Lease) {
        if let Entry::Occupied(entry) = self.lock().entry(lease.job)
            && entry.get().lease() == lease
        {
            entry.remove();
        }
        self.ended.notify_waiters();
    }

    /// Takes out every job that nobody has spoken for. What is left writes its own outcome, and is told by
    /// [`closing`](Self::closing) to do so now.
    pub(crate) fn take_all(&self) -> Vec<Arc<Running>> {
        let taken = self.lock().extract_if(|_, running| running.take()).map(|(_, running)| running).collect();
        self.ended.notify_waiters();
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
        self.until(|jobs| jobs.get(&lease.job).is_none_or(|running| running.lease() != lease)).await;
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Waits until there are none. Cancel safe.
    pub(crate) async fn drained(&self) {
        self.until(ById::is_empty).await;
    }

    async fn until(&self, reached: impl Fn(&ById<Arc<Running>>) -> bool) {
        loop {
            // Hears of every end from now on, so that none is missed between the look and the wait.
            let ended = self.ended.notified();
            if reached(&self.lock()) {
                return;
            }
            ended.await;
        }
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
    pub(crate) fn new(job: JobContext, handler: Arc<Handler>, task: Task) -> Self {
        Self { job, handler, task, taken: AtomicBool::new(false) }
    }

    /// Drops its task where it stands.
    pub(crate) fn abort(&self) {
        self.task.get().into_iter().for_each(AbortHandle::abort);
    }

    /// Whether the caller, and nobody else, may write its outcome.
    pub(crate) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn lease(&self) -> Lease {
        self.job.job().claimed.lease
    }

    fn cancel(&self, reason: CancelReason) {
        let deadline = Instant::now() + self.handler.handling.cleanup;
        self.job.job().cancel().fire(reason, deadline.into_std());
    }
}
