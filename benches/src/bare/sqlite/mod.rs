//! On an SQLite file, with one thread that writes and commits for all who wait.

mod store;
mod worker;
mod writer;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::mpsc;

use self::store::{Fate, Store};
use self::writer::Writer;
use super::job::{Job, Payload};
use super::{AT_ONCE, BULK, Bare};
use crate::figure::{Figure, Latency};
use crate::measure::{TASKS, from_tasks};
use crate::tally::{Count, TALLY, wall};
use crate::usage::Meter;

impl Bare {
    const fn fate(self) -> Fate {
        match self {
            Self::Drain { kept: true } | Self::EndToEnd { kept: true } => Fate::Kept,
            _ => Fate::Deleted,
        }
    }

    /// Whether a job goes to a worker that waits in the commit that stores it.
    const fn hands_over(self) -> bool {
        matches!(self, Self::EndToEnd { .. } | Self::PickUp)
    }
}

/// Takes one round on a new file in this directory.
pub(super) async fn measure(test: Bare, folder: &Path, payload: Payload, count: u64) -> Result<Figure> {
    let own = tempfile::tempdir_in(folder)?;
    let store = Store::open(&own.path().join("bare.db"), test.fate())?;
    if test == Bare::Inline {
        return inline(&store, &payload, count);
    }
    let (out, jobs) = mpsc::unbounded_channel();
    let bench = Bench { writer: Writer::start(store, out, test.hands_over())?, payload, count };
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
    async fn take(&self, test: Bare, jobs: mpsc::UnboundedReceiver<Vec<Job>>) -> Result<Figure> {
        TALLY.expect(self.count);
        match test {
            Bare::Inline | Bare::DrainByLeases => anyhow::bail!("expected a measure with a writer"),
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
                self.dispatch_from(TASKS).await?;
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
        from_tasks(tasks, self.count, |numbers| {
            let (writer, payload) = (self.writer.clone(), self.payload.clone());
            async move {
                for number in numbers {
                    writer.store(payload.json(number)?).await?;
                }
                Ok(())
            }
        })
        .await
    }
}
