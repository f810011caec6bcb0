//! On a database of Postgres: statements of tokio-postgres, prepared once.

mod pick_up;
mod table;
mod worker;
mod writer;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use self::writer::Writer;
use super::job::Payload;
use super::{BULK, Bare};
use crate::figure::Figure;
use crate::measure::{Measure, TASKS, from_tasks};
use crate::postgres::{Address, Hold, Probe, Processes, checkpoint, vacuum};
use crate::tally::{Count, TALLY};
use crate::usage::Meter;

/// So many connections store what many tasks dispatch.
const WRITERS: usize = 2;

/// So many connections claim and end when nobody dispatches.
const WORKERS: usize = 2;

/// Takes one round in this database, which is new.
pub(super) async fn measure(test: Bare, address: &Address, payload: Payload, measure: &Measure) -> Result<Figure> {
    let client = address.connect().await?;
    client.batch_execute(table::SCHEMA).await?;
    let _held = if measure.load.held { Some(Hold::start(address).await?) } else { None };
    checkpoint(&client).await?;
    let server = Processes::of(&client).await?;
    Bench { address: address.clone(), client, server, payload, count: measure.jobs }.take(test).await
}

struct Bench {
    address: Address,
    client: Client,
    server: Option<Processes>,
    payload: Payload,
    count: u64,
}

impl Bench {
    async fn take(&self, test: Bare) -> Result<Figure> {
        TALLY.expect(self.count);
        let stores = matches!(test, Bare::Inline | Bare::Dispatch { .. } | Bare::Bulk);
        let figure = match test {
            Bare::Inline => self.inline().await?,
            Bare::Dispatch { tasks } => self.dispatch(tasks).await?,
            Bare::Bulk => {
                let meter = self.meter()?;
                self.dispatch_in_bulk().await?;
                meter.stop(self.count)?
            }
            Bare::Drain { kept } => self.drain(|address| worker::drain(address, kept)).await?,
            Bare::DrainByLeases => self.drain(worker::drain_by_leases).await?,
            Bare::EndToEnd { kept } => self.end_to_end(kept).await?,
            Bare::PickUp => pick_up::measure(self).await?,
        };
        if !stores {
            TALLY.count().check(Count::of(0..self.count))?;
        }
        self.check_open(if stores { self.count } else { 0 }).await?;
        Ok(figure)
    }

    fn meter(&self) -> Result<Meter> {
        Meter::start_with(self.server)
    }

    async fn check_open(&self, expected: u64) -> Result<()> {
        // The bench's own session may have been ended by then.
        let open = self.address.connect().await?.query_one(table::OPEN, &[]).await?.get::<_, i64>(0).unsigned_abs();
        ensure!(open == expected, "expected {expected} jobs to be open, found {open}");
        Ok(())
    }

    async fn inline(&self) -> Result<Figure> {
        let insert = self.client.prepare(table::INSERT).await?;
        let meter = self.meter()?;
        for number in 0..self.count {
            self.client.execute(&insert, &[&self.payload.json(number)?]).await?;
        }
        meter.stop(self.count)
    }

    async fn dispatch(&self, tasks: usize) -> Result<Figure> {
        let writer = Writer::start(&self.address, WRITERS).await?;
        let meter = self.meter()?;
        self.dispatch_from(tasks, &writer).await?;
        meter.stop(self.count)
    }

    /// Jobs that have been stored are performed by workers of this kind.
    async fn drain<F>(&self, worker: impl Fn(Address) -> F) -> Result<Figure>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.dispatch_in_bulk().await?;
        vacuum(&self.client).await?;
        checkpoint(&self.client).await?;
        let probe = Probe::start(&self.address).await?;
        let meter = self.meter()?;
        let workers: JoinSet<_> = (0..WORKERS).map(|_| worker(self.address.clone())).collect();
        ended(workers).await?;
        let mut figure = meter.stop(self.count)?;
        figure.wear = Some(probe.stop().await?);
        Ok(figure)
    }

    /// One connection stores and one works.
    async fn end_to_end(&self, kept: bool) -> Result<Figure> {
        let writer = Writer::start(&self.address, 1).await?;
        let (client, claim_and_end) = worker::prepare(&self.address, kept).await?;
        let worker: JoinSet<_> = [worker::work(client, claim_and_end, self.count)].into_iter().collect();
        let meter = self.meter()?;
        self.dispatch_from(TASKS, &writer).await?;
        ended(worker).await?;
        meter.stop(self.count)
    }

    async fn dispatch_in_bulk(&self) -> Result<()> {
        let insert = self.client.prepare(table::INSERT_MANY).await?;
        for first in (0..self.count).step_by(BULK as usize) {
            let numbers = first..self.count.min(first + BULK);
            let args = numbers.map(|number| self.payload.json(number)).collect::<Result<Vec<_>>>()?;
            self.client.execute(&insert, &[&args]).await?;
        }
        Ok(())
    }

    async fn dispatch_from(&self, tasks: usize, writer: &Writer) -> Result<()> {
        from_tasks(tasks, self.count, |numbers| {
            let (writer, payload) = (writer.clone(), self.payload.clone());
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

async fn ended(mut workers: JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}
