//! Connections: dialled and served on the store's own thread or near those who use them, and kept in a pool.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Failed;
use super::options::Options;

/// A value of a call, with its type.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// What serves a connection.
pub(super) type Line = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Dials on a runtime, which then serves the connection.
#[derive(Clone, Debug)]
pub(super) struct Dialler {
    pub(super) options: Arc<Options>,
    /// The store's own thread.
    pub(super) own: Handle,
    /// The runtime of those who make the calls, if that is another one: a call crosses to no other thread.
    pub(super) near: Option<Handle>,
}

impl Dialler {
    /// A new connection, what must be served for it to live, and where.
    pub(super) async fn dial(&self) -> Result<(Client, Line, &Handle), Failed> {
        for handle in self.near.iter().chain([&self.own]) {
            let options = Arc::clone(&self.options);
            let tls = MakeRustlsConnect::new(ClientConfig::clone(&options.tls));
            let dialled = handle.spawn(async move { options.server.connect(tls).await });
            // The runtime that is near may have ended before the store.
            if let Ok(dialled) = dialled.await {
                let (client, line) = dialled.map_err(Failed::dialling)?;
                return Ok((client, line, handle));
            }
        }
        Err(Failed::Ours("the thread of the store has ended".to_owned()))
    }

    /// A new connection that is served as long as it is used.
    pub(super) async fn open(&self) -> Result<Connection, Failed> {
        let (client, line, handle) = self.dial().await?;
        handle.spawn(async move {
            if let Err(error) = line.await {
                tracing::debug!(%error, "a connection to the job store was lost");
            }
        });
        Ok(Connection::new(client, self.options.pooled))
    }
}

impl Manager for Dialler {
    type Type = Connection;
    type Error = Failed;

    async fn create(&self) -> Result<Connection, Failed> {
        self.open().await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Failed> {
        if connection.client.is_closed() {
            Err(RecycleError::message("the connection was lost"))
        } else if connection.asking.load(Ordering::Relaxed) {
            // Whoever came next would wait for the answer to a call that nobody waits for.
            Err(RecycleError::message("its last call was given up"))
        } else {
            Ok(())
        }
    }
}

/// A connection, and the statements that are prepared on it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    /// Whether a pooler gives another session to every transaction, so that nothing stays prepared.
    pooled: bool,
    statements: Mutex<HashMap<String, Statement>>,
    /// Whether a call has not been answered.
    asking: AtomicBool,
}

impl Connection {
    pub(super) fn new(client: Client, pooled: bool) -> Self {
        Self { client, pooled, statements: Mutex::default(), asking: AtomicBool::new(false) }
    }

    /// Asks, in a transaction of its own.
    pub(super) async fn ask(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        self.asking.store(true, Ordering::Relaxed);
        let answer = self.query(sql, params).await;
        self.asking.store(false, Ordering::Relaxed);
        answer
    }

    async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        if self.pooled {
            return Ok(self.client.query_typed(sql, params).await?);
        }
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => self.prepare(sql, params).await?,
        };
        let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|(value, _)| *value).collect();
        Ok(self.client.query(&statement, &values).await?)
    }

    async fn prepare(&self, sql: &str, params: &[Param<'_>]) -> Result<Statement, Failed> {
        let types: Vec<Type> = params.iter().map(|(_, kind)| kind.clone()).collect();
        let statement = self.client.prepare_typed(sql, &types).await?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        // Only filters of lists differ without end.
        if statements.len() >= MOST_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// More than these statements are not kept prepared on a connection.
const MOST_STATEMENTS: usize = 100;
