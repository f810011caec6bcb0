//! A server: the calls that are made on its connections.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use deadpool::managed::{Pool, QueueMode};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio_postgres::Row;

use super::connection::{Dialler, Param};
use super::expiry::NextExpiry;
use super::failure::Failed;
use super::heads::Heads;
use super::hints::{Hints, TOPICS};
use super::lost::Lost;
use super::options::Options;
use super::pushes::Pushes;
use super::schema;
use super::thread::Thread;
use super::unstarted::Unstarted;
use crate::job::WorkerId;
use crate::store::Topic;
use crate::store::standing::StandingClaims;

/// A server, as one process uses it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) options: Arc<Options>,
    /// Dials on the store's own thread.
    pub(super) dialler: Dialler,
    /// Served by the store's own thread, whatever the application does.
    own: Pool<Dialler>,
    /// Served by the runtime that opened the store, for those of its calls that should lose no time; `None` where there is to be
    /// but one connection.
    near: Option<Pool<Dialler>>,
    /// Set once the schema is known to be ours.
    migrated: OnceCell<()>,
    pub(super) pushes: Pushes,
    /// The claims of this process that wait for jobs.
    pub(super) standing: Arc<StandingClaims>,
    pub(super) unstarted: Unstarted,
    pub(super) heads: Heads,
    pub(super) expiry: NextExpiry,
    pub(super) hints: Arc<Hints>,
    /// Whether the last outcomes were of jobs that share something with others.
    pub(super) sharing: AtomicBool,
    pub(super) lost: Lost,
    pub(super) thread: Thread,
    /// By which our own notifications are told from those of others.
    pub(super) number: u32,
}

/// A call that the server undid is made again so often.
const TRIES: usize = 20;

impl Server {
    pub(super) fn new(options: Options) -> Result<Self, Failed> {
        // Some bits of a random id.
        let number = WorkerId::fresh().as_uuid().as_fields().0;
        let (thread, options) = (Thread::start()?, Arc::new(options));
        let dialler = Dialler { options: Arc::clone(&options), own: thread.handle().clone(), near: None };
        let near = Dialler { near: Handle::try_current().ok(), ..dialler.clone() };
        // More of them for dispatches and claims, which come from many tasks.
        let nearest = options.connections.div_ceil(2);
        let rest = options.connections - nearest;
        let (own, near) =
            if rest == 0 { (pool(&dialler, 1)?, None) } else { (pool(&dialler, rest)?, Some(pool(&near, nearest)?)) };
        let (migrated, pushes) = (OnceCell::new(), Pushes::default());
        Ok(Self {
            options,
            dialler,
            own,
            near,
            migrated,
            pushes,
            standing: Arc::default(),
            unstarted: Unstarted::default(),
            heads: Heads::default(),
            expiry: NextExpiry::default(),
            hints: Arc::default(),
            sharing: AtomicBool::new(false),
            lost: Lost::default(),
            thread,
            number,
        })
    }

    /// The runtime that opened the store, or the store's own thread.
    pub(super) fn near(&self) -> &Handle {
        self.near.as_ref().and_then(|pool| pool.manager().near.as_ref()).unwrap_or(self.thread.handle())
    }

    /// Makes sure that the schema is ours.
    pub(super) async fn migrate(&self) -> Result<(), Failed> {
        let migrate = || async {
            let mut connection = self.own.get().await?;
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
        self.call_on(&self.own, statement, params).await
    }

    /// Makes a call that should lose no time, and may wait for the application's own runtime.
    pub(super) async fn call_near(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        self.call_on(self.near.as_ref().unwrap_or(&self.own), statement, params).await
    }

    async fn call_on(&self, pool: &Pool<Dialler>, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        self.migrate().await?;
        let sql = self.sql(statement);
        for _ in 1..TRIES {
            match pool.get().await?.ask(&sql, params).await {
                Err(failed) if failed.is_undone() => {}
                answered => return answered,
            }
        }
        pool.get().await?.ask(&sql, params).await
    }

    /// Makes a call that answers with one row.
    pub(super) async fn call_one(&self, statement: &str, params: &[Param<'_>]) -> Result<Row, Failed> {
        only(self.call(statement, params).await?)
    }

    /// Jobs may have come anywhere into the line of ready ones, or expire sooner than was known.
    pub(super) fn changed(&self) {
        self.heads.forget();
        self.expiry.forget();
    }

    /// Makes a call that answers with one row, and may put jobs anywhere into the line of ready ones.
    pub(super) async fn change_one(&self, statement: &str, params: &[Param<'_>]) -> Result<Row, Failed> {
        let answer = self.call_one(statement, params).await;
        self.changed();
        self.wake_own(&TOPICS);
        answer
    }

    /// Wakes those who wait in this process, after a call of its own, where it hears of no notification.
    pub(super) fn wake_own(&self, topics: &[Topic]) {
        if self.options.pooled {
            topics.iter().for_each(|topic| self.hints.waker.wake(*topic));
        }
    }

    /// Makes a call that should lose no time, and answers with one row.
    pub(super) async fn call_one_near(&self, statement: &str, params: &[Param<'_>]) -> Result<Row, Failed> {
        only(self.call_near(statement, params).await?)
    }
}

/// The row of a call that answers with one.
pub(super) fn only(mut rows: Vec<Row>) -> Result<Row, Failed> {
    rows.pop().ok_or_else(|| Failed::Ours("the server gave no answer".to_owned()))
}

fn pool(dialler: &Dialler, most: usize) -> Result<Pool<Dialler>, Failed> {
    // The one that was used last: what it looked at is at hand there.
    let pool = Pool::builder(dialler.clone()).max_size(most).queue_mode(QueueMode::Lifo).build();
    pool.map_err(|error| Failed::Ours(format!("can't make a pool of connections: {error}")))
}
