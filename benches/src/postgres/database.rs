//! Databases that are there for one measure, and what is done in them before it.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::address::Address;

/// A database of a server. It is gone when this is dropped, so that must not happen in an asynchronous function.
#[derive(Debug)]
pub(crate) struct Database {
    server: Address,
    name: String,
}

impl Database {
    /// An empty one, or else a copy of another one, on the disk.
    pub(crate) fn create(server: &Address, template: Option<&Self>) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("jobwork_bench_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let create = async {
            let client = server.connect().await?;
            let copy = match template {
                Some(template) => format!("TEMPLATE {} {}", template.name, strategy(&client).await?),
                None => String::new(),
            };
            client.batch_execute(&format!("CREATE DATABASE {name} {copy}")).await?;
            Ok(())
        };
        alone(create).context("can't create a database: expected a user who may")?;
        Ok(Self { server: server.clone(), name })
    }

    /// Its address.
    pub(crate) fn address(&self) -> Address {
        self.server.database(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let gone = alone(async {
            let client = self.server.connect().await?;
            client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await?;
            Ok(())
        });
        if let Err(error) = gone {
            eprintln!("can't drop the database {}: {error:#}", self.name);
        }
    }
}

/// By files, where there is a choice: a large copy through the log would take twice as long.
async fn strategy(client: &Client) -> Result<&'static str> {
    let version: i32 = client.query_one("SELECT current_setting('server_version_num')::int", &[]).await?.get(0);
    Ok(if version >= 150_000 { "STRATEGY file_copy" } else { "" })
}

/// Runs a future on this thread, which runs no other one.
fn alone<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// Does what the server would do sooner or later with rows that have just been written.
pub(crate) async fn vacuum(client: &Client) -> Result<()> {
    Ok(client.batch_execute("VACUUM ANALYZE").await?)
}

/// Writes all that is in memory only, so that every round begins alike. Without the right to do so it is left to the server.
pub(crate) async fn checkpoint(client: &Client) -> Result<()> {
    match client.batch_execute("CHECKPOINT").await {
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(()),
        done => Ok(done?),
    }
}
