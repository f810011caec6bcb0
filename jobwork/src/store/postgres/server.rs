//! A server: the calls that are made on its connections.

use std::sync::Arc;

use deadpool::managed::Pool;
use tokio::sync::OnceCell;
use tokio_postgres::Row;

use super::connection::{Dialler, Param};
use super::failure::Failed;
use super::lost::Lost;
use super::options::Options;
use super::push::Pushes;
use super::schema;
use super::thread::Thread;
use crate::job::WorkerId;

/// A server, as one process uses it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) options: Arc<Options>,
    pub(super) dialler: Dialler,
    pool: Pool<Dialler>,
    /// Set once the schema is known to be ours.
    migrated: OnceCell<()>,
    pub(super) pushes: Pushes,
    pub(super) lost: Lost,
    pub(super) thread: Thread,
    /// By which our own notifications are told from those of others.
    number: u32,
}

/// A call that the server undid is made again so often.
const TRIES: usize = 20;

impl Server {
    pub(super) fn new(options: Options) -> Result<Self, Failed> {
        // Some bits of a random id.
        let number = WorkerId::fresh().as_uuid().as_fields().0;
        let (thread, options) = (Thread::start()?, Arc::new(options));
        let dialler = Dialler { options: Arc::clone(&options), handle: thread.handle().clone() };
        let pool = Pool::builder(dialler.clone()).max_size(options.connections).build();
        let pool = pool.map_err(|error| Failed::Ours(format!("can't make a pool of connections: {error}")))?;
        Ok(Self {
            options,
            dialler,
            pool,
            migrated: OnceCell::new(),
            pushes: Pushes::default(),
            lost: Lost::default(),
            thread,
            number,
        })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Makes sure that the schema is ours.
    pub(super) async fn migrate(&self) -> Result<(), Failed> {
        let migrate = || async {
            let mut connection = self.pool.get().await?;
            schema::migrate(&mut connection.client, &self.options.schema).await
        };
        self.migrated.get_or_try_init(migrate).await.map(drop)
    }

    /// A statement with the schema in the place of each `@` before a dot.
    pub(super) fn sql(&self, statement: &str) -> String {
        statement.replace("@.", &format!("\"{}\".", self.options.schema))
    }

    /// Makes a call, which is a statement and a transaction of its own; in it, `@.` is the schema.
    pub(super) async fn call(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        self.migrate().await?;
        let sql = self.sql(statement);
        for _ in 1..TRIES {
            match self.pool.get().await?.ask(&sql, params).await {
                Err(failed) if failed.is_undone() => {}
                answered => return answered,
            }
        }
        self.pool.get().await?.ask(&sql, params).await
    }

    /// Makes a call that answers with one row.
    pub(super) async fn call_one(&self, statement: &str, params: &[Param<'_>]) -> Result<Row, Failed> {
        let row = self.call(statement, params).await?.pop();
        row.ok_or_else(|| Failed::Ours(format!("the server has no answer to {statement}")))
    }
}
