//! The ruler: the same work on a bare SQLite file, with one thread that writes and commits for all who wait.
//!
//! It has one table with one partial index, and nothing of what makes a job queue: no types, retries, timeouts, leases that
//! are watched, limits, chains, wake-ups across processes or tracing. What jobwork takes more than this is what all that
//! costs.

mod job;
mod store;
mod worker;
mod writer;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::job::Payload;
use self::store::{Fate, Store};
use self::writer::Writer;
use crate::figure::{Figure, Latency};
use crate::measure::Measure;
use crate::place::Place;
use crate::tally::{Count, TALLY, wall};
use crate::usage::Meter;

/// So many jobs are stored in one call.
const BULK: u64 = 1_000;

/// So many jobs run at a time.
const AT_ONCE: usize = 1_000;

/// The work of a measure, done barely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bare {
    /// One at a time from one task, each inserted and committed on the caller's own thread.
    Inline,
    /// One at a time from so many tasks.
    Dispatch {
        /// How many.
        tasks: usize,
    },
    /// In calls of a thousand.
    Bulk,
    /// Jobs that are ready are performed.
    Drain {
        /// Whether their rows are kept.
        kept: bool,
    },
    /// Stored from 64 tasks and performed, side by side: a job goes to a worker that waits in the commit that stores it.
    EndToEnd {
        /// Whether their rows are kept.
        kept: bool,
    },
    /// Single jobs go to a worker that waits.
    PickUp,
}

impl Bare {
    const fn fate(self) -> Fate {
        match self {
            Self::Drain { kept: true } | Self::EndToEnd { kept: true } => Fate::Kept,
            _ => Fate::Deleted,
        }
    }

    /// Whether jobs are handed over in the commit that stores them.
    const fn hands_over(self) -> bool {
        matches!(self, Self::EndToEnd { .. } | Self::PickUp)
    }
}

/// Takes one round.
pub(crate) async fn measure(test: Bare, measure: &Measure) -> Result<Figure> {
    let Place::Sqlite { folder } = &measure.place else {
        anyhow::bail!("expected a store of SQLite: the bare measures are of nothing else");
    };
    let own = tempfile::tempdir_in(folder)?;
    let store = Store::open(&own.path().join("bare.db"), test.fate())?;
    let payload = Payload { number: 0, text: measure.load.text(), at: None };
    if test == Bare::Inline {
        return inline(&store, &payload, measure.jobs);
    }
    let (out, jobs) = mpsc::unbounded_channel();
    let bench = Bench { writer: Writer::start(store, out, test.hands_over())?, payload, count: measure.jobs };
    bench.take(test, jobs).await
}

fn inline(store: &Store, payload: &Payload, count: u64) -> Result<Figure> {
    let meter = Meter::start()?;
    for number in 0..count {
        let args = payload.json(number)?;
        store.begin()?;
        store.insert(&args, store::READY)?;
        store.commit()?;
    }
    let figure = meter.stop(count)?;
    ensure!(store.open_jobs()? == count, "expected {count} jobs to be stored");
    Ok(figure)
}

struct Bench {
    writer: Writer,
    payload: Payload,
    count: u64,
}

impl Bench {
    async fn take(&self, test: Bare, jobs: mpsc::UnboundedReceiver<Vec<job::Job>>) -> Result<Figure> {
        TALLY.expect(self.count);
        match test {
            Bare::Inline => anyhow::bail!("expected a measure with a writer"),
            Bare::Dispatch { tasks } => self.stored(self.dispatch_from(tasks)).await,
            Bare::Bulk => self.stored(self.dispatch_in_bulk()).await,
            Bare::Drain { .. } => {
                self.dispatch_in_bulk().await?;
                let meter = Meter::start()?;
                worker::start(self.writer.clone(), jobs, AT_ONCE);
                self.performed(meter).await
            }
            Bare::EndToEnd { .. } => {
                worker::start(self.writer.clone(), jobs, AT_ONCE);
                let meter = Meter::start()?;
                self.dispatch_from(64).await?;
                self.performed(meter).await
            }
            Bare::PickUp => {
                worker::start(self.writer.clone(), jobs, AT_ONCE);
                self.pick_up().await
            }
        }
    }

    /// Measures how jobs are stored.
    async fn stored(&self, work: impl Future<Output = Result<()>>) -> Result<Figure> {
        let meter = Meter::start()?;
        work.await?;
        let figure = meter.stop(self.count)?;
        let open = self.writer.open_jobs().await?;
        ensure!(open == self.count, "expected {} jobs to be stored, found {open}", self.count);
        Ok(figure)
    }

    /// Waits until all jobs have run and their ends are committed.
    async fn performed(&self, meter: Meter) -> Result<Figure> {
        TALLY.all_ran().await?;
        while self.writer.open_jobs().await? > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let figure = meter.stop(self.count)?;
        TALLY.count().check(Count::of(0..self.count))?;
        Ok(figure)
    }

    async fn pick_up(&self) -> Result<Figure> {
        let meter = Meter::start()?;
        for number in 0..self.count {
            let payload = Payload { at: Some(wall()), ..self.payload.clone() };
            self.writer.store(payload.json(number)?).await?;
            tokio::time::sleep(crate::measure::pause(number)).await;
        }
        let mut figure = self.performed(meter).await?;
        figure.latency = Some(Latency::of(TALLY.take_waits()).context("expected jobs to be measured")?);
        Ok(figure)
    }

    async fn dispatch_in_bulk(&self) -> Result<()> {
        let json = |numbers: Range<u64>| numbers.map(|number| self.payload.json(number)).collect::<Result<_>>();
        for first in (0..self.count).step_by(BULK as usize) {
            self.writer.store_many(json(first..self.count.min(first + BULK))?).await?;
        }
        Ok(())
    }

    async fn dispatch_from(&self, tasks: usize) -> Result<()> {
        let next = Arc::new(AtomicU64::new(0));
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            let (next, writer, payload, count) =
                (Arc::clone(&next), self.writer.clone(), self.payload.clone(), self.count);
            running.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<_, anyhow::Error>(());
                    }
                    writer.store(payload.json(number)?).await?;
                }
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(())
    }
}
