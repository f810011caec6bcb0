use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::attempt::{self, Attempt};
use super::buffer::Buffer;
use super::fetcher::Gate;
use super::running::Task;
use super::shared::Shared;

/// So many jobs that wait for nothing are performed before other tasks of the runtime have their turn.
const IN_A_ROW: usize = 16;

/// What one fetcher has claimed, and the tasks that perform it, each one job after the other.
///
/// A task for each job would cost more than a short job does. So there are as many at first as the runtime has threads, and one
/// more for each job that waits for something, as long as there are slots.
#[derive(Debug)]
pub(crate) struct Runners {
    shared: Arc<Shared>,
    /// Claimed and not yet begun.
    pub(crate) buffer: Buffer,
    /// One permit for each job that may run at a time.
    pub(crate) slots: Arc<Semaphore>,
    gate: watch::Receiver<Gate>,
    /// So many runners have a job that has not waited yet, or look for one.
    busy: AtomicUsize,
}

impl Runners {
    pub(crate) fn new(shared: Arc<Shared>, slots: usize, gate: watch::Receiver<Gate>) -> Self {
        let slots = Arc::new(Semaphore::new(slots));
        Self { shared, buffer: Buffer::default(), slots, gate, busy: AtomicUsize::new(0) }
    }

    /// Starts runners for what is ahead, one for each thread that could perform something now.
    pub(crate) fn start(self: &Arc<Self>) {
        let threads = self.shared.runtime.metrics().num_workers();
        while self.busy.load(Ordering::Relaxed) < threads && self.start_one() {}
    }

    /// Starts as many runners again as are busy: their jobs take long, and some may not even keep a thread.
    pub(crate) fn start_more(self: &Arc<Self>) {
        let more = self.busy.load(Ordering::Relaxed).max(1);
        let _ = (0..more).take_while(|_| self.start_one()).count();
    }

    /// Says whether there was a job and a slot for one more.
    fn start_one(self: &Arc<Self>) -> bool {
        if self.buffer.is_empty() {
            return false;
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return false };
        let runner = Runner { runners: Arc::clone(self), task: Arc::new(OnceLock::new()), is_busy: true, _slot: slot };
        self.busy.fetch_add(1, Ordering::Relaxed);
        let Some(first) = runner.next() else { return false };
        let task = Arc::clone(&runner.task);
        let handle = self.shared.runtime.spawn(runner.run(first));
        // Nobody else sets it.
        let _ = task.set(handle.abort_handle());
        true
    }
}

struct Runner {
    runners: Arc<Runners>,
    task: Task,
    is_busy: bool,
    /// Held for as long as there are jobs.
    _slot: OwnedSemaphorePermit,
}

impl Runner {
    async fn run(mut self, first: Attempt) {
        let (mut next, mut performed) = (Some(first), 0);
        while let Some(attempt) = next {
            self.perform(attempt).await;
            performed += 1;
            if performed % IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
            next = self.next();
        }
    }

    /// Performs a job. Once it waits for something, another runner goes on with those behind it.
    async fn perform(&mut self, attempt: Attempt) {
        let mut running = pin!(attempt.run());
        poll_fn(|cx| {
            let polled = running.as_mut().poll(cx);
            if polled.is_pending() && self.is_busy {
                self.set_busy(false);
                self.runners.start();
            }
            polled
        })
        .await;
        self.set_busy(true);
    }

    fn set_busy(&mut self, is_busy: bool) {
        if std::mem::replace(&mut self.is_busy, is_busy) != is_busy {
            let busy = &self.runners.busy;
            if is_busy {
                busy.fetch_add(1, Ordering::Relaxed)
            } else {
                busy.fetch_sub(1, Ordering::Relaxed)
            };
        }
    }

    /// Begins the next job, unless the worker is to begin none.
    fn next(&self) -> Option<Attempt> {
        let Runners { shared, buffer, gate, .. } = &*self.runners;
        let worker = shared.identity.id();
        while *gate.borrow() == Gate::Open {
            let begun = buffer.next(|job, place| {
                // Claimed under an id that was declared dead since, it is another worker's.
                let ours = job.lease.worker == worker;
                if ours { attempt::begin(shared, job, place, &self.task) } else { None }
            });
            if let Some(attempt) = begun? {
                if shared.identity.id() != worker {
                    // Declared dead at this very moment: the job was perhaps not among those that were told.
                    shared.running.lose(worker);
                }
                return Some(attempt);
            }
        }
        None
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.set_busy(false);
        // One that was dropped in the middle of a job leaves those ahead to others.
        self.runners.buffer.look();
    }
}
