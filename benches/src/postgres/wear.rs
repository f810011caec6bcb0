//! What jobs leave behind in a database.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::address::Address;

/// A session that was told to end has done so by then.
const PATIENCE: Duration = Duration::from_secs(10);

const READING: &str = "
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
    coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint, coalesce(sum(n_dead_tup), 0)::bigint,
    coalesce(sum(pg_table_size(relid)), 0)::bigint, coalesce(sum(pg_indexes_size(relid)), 0)::bigint
FROM pg_stat_user_tables";

const OTHERS: &str = "
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";

/// What a measure has left behind in its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wear {
    /// Bytes of the write-ahead log of the whole server.
    pub(crate) wal_bytes: i64,
    /// Row versions that were replaced or deleted.
    pub(crate) made_dead: i64,
    /// Those of them that are still there.
    pub(crate) left_dead: i64,
    /// How much the tables have grown, in bytes.
    pub(crate) table_growth: i64,
    /// How much their indexes have grown.
    pub(crate) index_growth: i64,
    /// How large the tables are in the end, in bytes.
    pub(crate) table_bytes: i64,
    /// How large their indexes are.
    pub(crate) index_bytes: i64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    wal: i64,
    made_dead: i64,
    left_dead: i64,
    table: i64,
    index: i64,
}

impl Reading {
    async fn take(client: &Client) -> Result<Self> {
        let row = client.query_one(READING, &[]).await?;
        let [wal, made_dead, left_dead, table, index] = std::array::from_fn(|column| row.get(column));
        Ok(Self { wal, made_dead, left_dead, table, index })
    }
}

/// A database as it was before.
#[derive(Debug)]
pub(crate) struct Probe {
    client: Client,
    before: Reading,
}

impl Probe {
    /// Looks at it.
    pub(crate) async fn start(address: &Address) -> Result<Self> {
        let client = address.connect().await?;
        let before = Reading::take(&client).await?;
        Ok(Self { client, before })
    }

    /// Looks at it again. All other sessions are ended before, since the server is told what they did by then only.
    pub(crate) async fn stop(self) -> Result<Wear> {
        end_others(&self.client).await?;
        let (before, after) = (self.before, Reading::take(&self.client).await?);
        Ok(Wear {
            wal_bytes: after.wal - before.wal,
            made_dead: after.made_dead - before.made_dead,
            left_dead: after.left_dead,
            table_growth: after.table - before.table,
            index_growth: after.index - before.index,
            table_bytes: after.table,
            index_bytes: after.index,
        })
    }
}

async fn end_others(client: &Client) -> Result<()> {
    let others: Vec<i32> = client.query(OTHERS, &[]).await?.iter().map(|row| row.get(0)).collect();
    client.query("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS others (pid)", &[&others]).await?;
    let begun = Instant::now();
    let left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)";
    while client.query_one(left, &[&others]).await?.get::<_, i64>(0) > 0 {
        ensure!(begun.elapsed() < PATIENCE, "expected the sessions of the measure to end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// How many transactions were made in this session's database so far.
pub(crate) async fn transactions(client: &Client) -> Result<i64> {
    let sum = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    Ok(client.query_one(sum, &[]).await?.get(0))
}
