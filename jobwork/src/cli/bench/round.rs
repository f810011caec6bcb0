use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::figures::{Figures, Measure};
use super::interrupt::Interrupt;
use super::nothing::{NAME, Nothing};
use super::tally::Tally;
use crate::cli::exit::{Exit, Failure};
use crate::client::{Dispatch, DispatchMany, Jobs};
use crate::error;
use crate::store::{Retention, WorkerState};
use crate::worker::{App, WorkerHandle};

/// How many tasks dispatch side by side.
pub(super) const TASKS: usize = 64;

/// How many jobs each dispatch in bulk has.
pub(super) const BULK: usize = 1_000;

/// How long a worker that should perform jobs may perform none, before that is an error.
const STALLED: Duration = Duration::from_secs(30);

/// How long a worker rests before its next pick-up, so that it has written the outcome of the last one and is idle.
const REST: Duration = Duration::from_millis(5);

/// What is measured, and how much of it.
pub(super) struct Bench {
    pub(super) jobs: Jobs,
    pub(super) count: usize,
    pub(super) concurrency: usize,
    pub(super) interrupt: Interrupt,
}

impl Bench {
    /// Takes every measure once. Whatever is dispatched is performed too, and checked to run exactly once.
    pub(super) async fn round(&self, figures: &mut Figures) -> Result<(), Failure> {
        figures.add(Measure::DispatchOne, self.dispatched(1).await?);
        figures.add(Measure::DispatchTasks, self.dispatched(TASKS).await?);
        let tally = Arc::new(Tally::new(self.count));
        let begun = Instant::now();
        self.dispatch_in_bulk(&tally).await?;
        figures.add(Measure::DispatchBulk, rate(&tally, begun));
        figures.add(Measure::Drain, self.drained(&tally).await?);
        figures.add(Measure::EndToEnd, self.end_to_end().await?);
        let mut waits = self.pick_ups().await?;
        waits.sort_unstable();
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
        for (measure, share) in [(Measure::PickUpP50, 0.5), (Measure::PickUpP99, 0.99), (Measure::PickUpMax, 1.0)] {
            figures.add(measure, at(share));
        }
        Ok(())
    }

    async fn dispatched(&self, tasks: usize) -> Result<f64, Failure> {
        let measure = if tasks == 1 { Measure::DispatchOne } else { Measure::DispatchTasks };
        let tally = Arc::new(Tally::new(measure.jobs(self.count)));
        let begun = Instant::now();
        self.dispatch(&tally, tasks).await?;
        let rate = rate(&tally, begun);
        self.drained(&tally).await.map(|_| rate)
    }

    async fn drained(&self, tally: &Arc<Tally>) -> Result<f64, Failure> {
        let begun = Instant::now();
        self.with_worker(tally, async |worker| self.reach(worker, tally, tally.len()).await).await?;
        Ok(rate(tally, begun))
    }

    async fn end_to_end(&self) -> Result<f64, Failure> {
        let tally = Arc::new(Tally::new(self.count));
        let begun = self.with_worker(&tally, async |worker| {
            let begun = Instant::now();
            self.dispatch(&tally, TASKS).await?;
            self.reach(worker, &tally, tally.len()).await?;
            Ok(begun)
        });
        let begun = begun.await?;
        Ok(rate(&tally, begun))
    }

    /// How long each of some jobs waited for an idle worker, from the call that dispatched it to its start.
    async fn pick_ups(&self) -> Result<Vec<Duration>, Failure> {
        let tally = Arc::new(Tally::new(Measure::PickUpP50.jobs(self.count)));
        let waits = self.with_worker(&tally, async |worker| {
            let mut waits = Vec::new();
            for number in 0..tally.len() {
                let begun = Instant::now();
                Dispatch::new(tally.job(number)).on(&self.jobs).await?;
                self.reach(worker, &tally, number + 1).await?;
                let wait = tally.started(number).map_or_else(|| begun.elapsed(), |started| started - begun);
                waits.push(wait);
                tokio::time::sleep(wait.max(REST)).await;
            }
            Ok(waits)
        });
        waits.await
    }

    async fn dispatch(&self, tally: &Arc<Tally>, tasks: usize) -> Result<(), Failure> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut dispatchers: JoinSet<error::Result<()>> = JoinSet::new();
        for _ in 0..tasks {
            let (next, tally, jobs) = (Arc::clone(&next), Arc::clone(tally), self.jobs.clone());
            let interrupt = self.interrupt.clone();
            dispatchers.spawn(async move {
                // A dispatch is never broken off: nobody would know whether its job is stored.
                while !interrupt.is_asked() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= tally.len() {
                        break;
                    }
                    Dispatch::new(tally.job(number)).on(&jobs).await?;
                }
                Ok(())
            });
        }
        let ended = dispatchers.join_all().await;
        ended.into_iter().collect::<error::Result<()>>()?;
        self.interrupt.check()
    }

    async fn dispatch_in_bulk(&self, tally: &Tally) -> Result<(), Failure> {
        for first in (0..tally.len()).step_by(BULK) {
            self.interrupt.check()?;
            let numbers = first..tally.len().min(first + BULK);
            DispatchMany::new(numbers.map(|number| tally.job(number))).on(&self.jobs).await?;
        }
        Ok(())
    }

    /// Does the work beside a worker, and stops that whatever comes of it. When this returns `Ok`, every job has run exactly
    /// once and its outcome is stored.
    async fn with_worker<T>(
        &self,
        tally: &Arc<Tally>,
        work: impl AsyncFnOnce(&WorkerHandle) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // It gives its verdict on nobody else's jobs: what is to be forgotten or is dead is for the program's own workers
        // to say.
        let app = App::new().jobs(self.jobs.clone()).retention(Retention::forever()).poison_after(0);
        let app = app.queues([NAME]).concurrency(self.concurrency).state(Arc::clone(tally));
        let worker = app.spawn_only::<Nothing>().await?;
        worker.wait_for(WorkerState::Running).await;
        let done = work(&worker).await;
        let report = worker.stop_and_wait().await;
        let done = done?;
        tally.check().map_err(|problem| Failure::new(Exit::Failed, problem))?;
        if report.abandoned.is_empty() {
            return Ok(done);
        }
        let message = format!("what became of {} jobs could not be written", report.abandoned.len());
        Err(Failure::new(Exit::Failed, message))
    }

    /// Waits until so many jobs have run.
    async fn reach(&self, worker: &WorkerHandle, tally: &Tally, wanted: usize) -> Result<(), Failure> {
        loop {
            let before = tally.ran();
            tokio::select! {
                () = tally.reach(wanted) => return Ok(()),
                () = self.interrupt.asked() => return self.interrupt.check(),
                _ = worker.stopped() => return Err(Failure::new(Exit::Failed, "its worker was told to stop")),
                () = tokio::time::sleep(STALLED) => {}
            }
            if tally.ran() == before {
                let problem = format!("none of its jobs was performed for {} seconds", STALLED.as_secs());
                let hint = format!("is queue `{NAME}` paused or limited, or the store locked by another program?");
                return Err(Failure::new(Exit::Failed, format!("{problem}: {hint}")));
            }
        }
    }
}

/// Jobs in a second.
fn rate(tally: &Tally, begun: Instant) -> f64 {
    tally.len() as f64 / begun.elapsed().as_secs_f64()
}
