//! Tasks that store jobs: all that wait when one comes round share a statement.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_postgres::{Client, Statement};

use super::table::INSERT_MANY;
use crate::postgres::Address;
use crate::problems;

/// So many jobs share a statement at most.
const MOST: usize = 1_000;

/// A job that is to be stored, and who waits for that.
type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// A handle of the tasks. They end when all handles are gone.
#[derive(Clone, Debug)]
pub(super) struct Writer(mpsc::UnboundedSender<Waiting>);

impl Writer {
    /// Starts as many tasks, each with a connection of its own.
    pub(super) async fn start(address: &Address, tasks: usize) -> Result<Self> {
        let (calls, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..tasks {
            let client = address.connect().await?;
            let insert = client.prepare(INSERT_MANY).await?;
            tokio::spawn(write(client, insert, Arc::clone(&waiting)));
        }
        Ok(Self(calls))
    }

    pub(super) async fn store(&self, args: Vec<u8>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.0.send((args, answer)).ok().context("the bare writer has ended")?;
        answered.await.context("the bare writer has failed")
    }
}

async fn write(client: Client, insert: Statement, waiting: Arc<Mutex<mpsc::UnboundedReceiver<Waiting>>>) {
    loop {
        let mut calls = Vec::new();
        if waiting.lock().await.recv_many(&mut calls, MOST).await == 0 {
            return;
        }
        let (args, answers): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        if let Err(error) = client.execute(&insert, &[&args]).await {
            problems::note(error);
            continue;
        }
        for answer in answers {
            // Whether anybody still waits for an answer makes no difference.
            let _ = answer.send(());
        }
    }
}
