//! Single jobs for a worker that listens.

use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tokio_postgres::{Client, Statement};

use super::Bench;
use super::table::{self, INSERT_AND_TELL};
use crate::bare::job::{Payload, perform};
use crate::figure::{Figure, Latency};
use crate::tally::{TALLY, wall};

/// So many jobs are claimed at once.
const BATCH: i64 = 10;

/// From before a job is stored, with word to those who listen in the same statement, until its task begins.
pub(super) async fn measure(bench: &Bench) -> Result<Figure> {
    let (client, told) = bench.address.listen().await?;
    client.batch_execute("LISTEN ready").await?;
    let (claim, end) = (table::claim(&client).await?, table::end(&client, false).await?);
    let worker = tokio::spawn(Worker { client, told, claim, end }.work(bench.count));
    let insert = bench.client.prepare(INSERT_AND_TELL).await?;
    let meter = bench.meter()?;
    for number in 0..bench.count {
        let payload = Payload { at: Some(wall()), ..bench.payload.clone() };
        bench.client.query(&insert, &[&payload.json(number)?]).await?;
        tokio::time::sleep(crate::measure::pause(number)).await;
    }
    TALLY.all_ran().await?;
    let mut figure = meter.stop(bench.count)?;
    worker.await??;
    figure.latency = Some(Latency::of(TALLY.take_waits()).context("expected jobs to be measured")?);
    Ok(figure)
}

struct Worker {
    client: Client,
    told: mpsc::UnboundedReceiver<()>,
    claim: Statement,
    end: Statement,
}

impl Worker {
    /// Works until so many jobs have ended.
    async fn work(mut self, count: u64) -> Result<()> {
        let mut left = count;
        while left > 0 && self.told.recv().await.is_some() {
            let mut ids: Vec<i64> = Vec::new();
            for row in self.client.query(&self.claim, &[&BATCH]).await? {
                ids.push(row.get(0));
                tokio::spawn(async move { perform(row.get(1)) });
            }
            left -= self.client.execute(&self.end, &[&ids]).await?;
        }
        Ok(())
    }
}
