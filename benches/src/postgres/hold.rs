//! A transaction that is forgotten.

use anyhow::Result;
use tokio_postgres::Client;

use super::address::Address;

/// A session that is idle in a transaction with a snapshot, until this is dropped: no row version that dies after it began can
/// be removed.
#[derive(Debug)]
pub(crate) struct Hold {
    _client: Client,
}

impl Hold {
    /// Begins one.
    pub(crate) async fn start(address: &Address) -> Result<Self> {
        let client = address.connect().await?;
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1").await?;
        Ok(Self { _client: client })
    }
}
