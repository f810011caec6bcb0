//! What the measures have in common: a store, jobs that are dispatched, a worker, and the count at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use jobwork::{Jobs, WorkerHandle};
use tokio::task::JoinSet;

use super::Measure;
use crate::jobs::Load;
use crate::place::Opened;
use crate::postgres::{Address, Hold};
use crate::tally::{Count, TALLY};
use crate::usage::Meter;
use crate::worker;

/// How many jobs a write in bulk has.
pub(super) const BULK: u64 = 1_000;

/// From so many tasks jobs are dispatched beside a worker.
pub(crate) const TASKS: usize = 64;

/// So many jobs run at a time beside dispatchers.
pub(super) const AT_ONCE: usize = 1_000;

/// Where a measure is taken.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) jobs: Jobs,
    pub(super) load: Load,
    pub(super) count: u64,
    opened: Opened,
    /// Keeps a transaction open.
    _held: Option<Hold>,
}

impl Scene {
    pub(super) async fn open(measure: Measure) -> Result<Self> {
        let opened = measure.place.open(measure.load.beside).await?;
        let held = match &opened.address {
            Some(address) if measure.load.held => Some(Hold::start(address).await?),
            _ => None,
        };
        Ok(Self { jobs: opened.jobs.clone(), load: measure.load, count: measure.jobs, opened, _held: held })
    }

    /// Measures this process from here on, and the store's server.
    pub(super) fn meter(&self) -> Result<Meter> {
        Meter::start_with(self.opened.server)
    }

    /// Stores all jobs, and leaves the store as it would be some time after that.
    pub(super) async fn make_ready(&self) -> Result<()> {
        self.dispatch_in_bulk().await?;
        self.opened.tidy().await
    }

    /// Leaves the store as it would be some time after what was done.
    pub(super) async fn tidy(&self) -> Result<()> {
        self.opened.tidy().await
    }

    /// Its database, if it is one of Postgres.
    pub(super) fn address(&self) -> Option<Address> {
        self.opened.address.clone()
    }

    /// By which other processes open the store.
    pub(super) fn url(&self) -> String {
        self.opened.url.clone()
    }

    /// Dispatches all jobs in writes of a thousand.
    pub(super) async fn dispatch_in_bulk(&self) -> Result<()> {
        for first in (0..self.count).step_by(BULK as usize) {
            self.load.dispatch_many(first..self.count.min(first + BULK), &self.jobs).await?;
        }
        Ok(())
    }

    /// Dispatches all jobs one at a time from so many tasks.
    pub(super) async fn dispatch_from(&self, tasks: usize) -> Result<()> {
        from_tasks(tasks, self.count, |numbers| {
            let (load, jobs) = (self.load, self.jobs.clone());
            async move {
                for number in numbers {
                    load.dispatch(number, &jobs).await?;
                }
                Ok(())
            }
        })
        .await
    }

    /// A worker that works, for all jobs of this measure.
    pub(super) async fn worker(&self, at_once: usize) -> Result<WorkerHandle> {
        TALLY.expect(self.count);
        worker::start(&self.jobs, at_once).await
    }

    /// Waits until so many jobs ran, as `worker` expects, and their ends are stored.
    pub(super) async fn all_done(&self) -> Result<()> {
        TALLY.all_ran().await?;
        self.settled().await
    }

    /// Waits until the store has no open job.
    pub(super) async fn settled(&self) -> Result<()> {
        worker::settled(&self.jobs).await
    }

    /// Stops the worker, and checks that it ran each job once.
    pub(super) async fn end(&self, worker: WorkerHandle) -> Result<()> {
        let report = worker.stop_and_wait().await;
        ensure!(
            report.abandoned.is_empty(),
            "expected every outcome to be stored, {} were not",
            report.abandoned.len()
        );
        TALLY.count().check(Count::of(0..self.count))
    }
}

/// The numbers up to a count, shared by tasks: each number goes to one of them.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    next: Arc<AtomicU64>,
    count: u64,
}

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.count).then_some(number)
    }
}

/// Runs so many tasks, which share the numbers up to `count`.
pub(crate) async fn from_tasks<F>(tasks: usize, count: u64, task: impl Fn(Numbers) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let numbers = Numbers { next: Arc::default(), count };
    let mut running: JoinSet<_> = (0..tasks).map(|_| task(numbers.clone())).collect();
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}
