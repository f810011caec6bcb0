//! Workers, each with a connection of its own: a batch is claimed, performed with a task per job, and ended.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::{Client, Row, Statement};

use super::table::{self, END_LEASE};
use crate::bare::AT_ONCE;
use crate::bare::job::perform;
use crate::postgres::Address;
use crate::tally::TALLY;

const BATCH: i64 = AT_ONCE as i64;

/// So long a worker that found nothing waits.
const REST: Duration = Duration::from_millis(1);

/// Works until no job is ready.
pub(super) async fn drain(address: Address, kept: bool) -> Result<()> {
    let client = address.connect().await?;
    let (claim, end) = (table::claim(&client).await?, table::end(&client, kept).await?);
    loop {
        let rows = client.query(&claim, &[&BATCH]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let ids = perform_rows(&rows).await?;
        client.execute(&end, &[&ids]).await?;
    }
}

/// The same by leases, one a batch.
pub(super) async fn drain_by_leases(address: Address) -> Result<()> {
    let client = address.connect().await?;
    let (lease, end) = (table::lease(&client).await?, client.prepare(END_LEASE).await?);
    while let Some(row) = client.query_opt(&lease, &[&BATCH]).await? {
        let (id, args): (i64, Vec<Vec<u8>>) = (row.get(0), row.get(2));
        perform_all(args).await?;
        client.execute(&end, &[&id]).await?;
    }
    Ok(())
}

/// What [`work`] needs.
pub(super) async fn prepare(address: &Address, kept: bool) -> Result<(Client, Statement)> {
    let client = address.connect().await?;
    let claim_and_end = table::claim_and_end(&client, kept).await?;
    Ok((client, claim_and_end))
}

/// Works until so many jobs have run and ended, and ends each batch in the statement that claims the next one.
pub(super) async fn work(client: Client, claim_and_end: Statement, count: u64) -> Result<()> {
    let mut ids: Vec<i64> = Vec::new();
    while !ids.is_empty() || TALLY.count().jobs < count {
        let rows = client.query(&claim_and_end, &[&BATCH, &ids]).await?;
        ids = perform_rows(&rows).await?;
        if rows.is_empty() {
            tokio::time::sleep(REST).await;
        }
    }
    Ok(())
}

/// Performs claimed jobs, and gives their ids.
async fn perform_rows(rows: &[Row]) -> Result<Vec<i64>> {
    perform_all(rows.iter().map(|row| row.get(1)).collect()).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn perform_all(all: Vec<Vec<u8>>) -> Result<()> {
    let running: Vec<_> = all.into_iter().map(|args| tokio::spawn(async move { perform(&args) })).collect();
    for task in running {
        task.await?;
    }
    Ok(())
}
