//! Jobs in a schema of a Postgres, for any number of machines.

mod again;
mod batches;
mod beat;
mod claim;
mod connection;
mod control;
mod expiry;
mod failure;
mod filter;
mod finish;
mod flag;
mod handover;
mod heads;
mod hints;
mod in_transaction;
mod inspect;
mod look;
mod lost;
mod new_job;
mod notes;
mod options;
mod prune;
mod push;
mod pushes;
mod rows;
mod schedules;
mod schema;
mod server;
mod session;
mod text;
mod thread;
mod tls;
mod unstarted;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::Type;

use self::beat::Unlocked;
use self::claim::LastQueue;
use self::hints::TOPICS;
use self::options::Options;
use self::rows::millis;
use self::server::Server;
use self::session::Session;
use super::standing::GiveBack;
use super::{
    Batch, Beat, Claim, Control, InTransaction, Inspect, Notes, Prune, Push, Rescue, Schedules, Settled, Signals,
    Store, Stored, Topic, Upkeep, Wakeups,
};
use crate::error::{Error, Result};
use crate::job::{Finished, JobId, Note};

/// A store in a schema of a Postgres, from version 13 on.
///
/// A URL names it, `postgres://user:password@host:port/database`, or `postgresql://`. What `tokio-postgres` knows may follow
/// `?`, and of ours:
///
/// | parameter | meaning | default |
/// |---|---|---|
/// | `schema` | where the tables and functions are; several applications can share a database | `jobwork` |
/// | `connections` | so many connections for calls, whatever the number of jobs that run | 5 |
/// | `pooler=transaction` | a pooler stands between that gives each transaction another session, as pgbouncer does: nothing is prepared, listened to or locked in one | none |
/// | `sslmode` | as in libpq: `disable`; `prefer` encrypts where the server can, and `require` always; `verify-ca` demands a certificate that somebody of `sslrootcert` signed, as `require` does with that, and `verify-full` one that names the host, too | `prefer` |
/// | `sslrootcert` | a file of trusted certificates in PEM, or `system` | the system's, for `verify-full` |
///
/// Besides, a process that works or waits has one connection on which it hears of news by LISTEN: with the defaults, 6 at most. Those on
/// which jobs are dispatched and claimed are served by the runtime that opened the store, the others by a thread of the store's own, so that
/// a job which blocks the runtime holds up no outcome and no beat. None is held while a job runs.
///
/// Every call is one statement, and committed when it returns. What is dispatched at the same time is stored together.
///
/// # Rights
/// The first process makes the schema, for which its user needs `CREATE` on the database, and nobody needs to be a superuser.
/// Another user who is to use it needs `USAGE` on the schema and on all of its sequences, and `SELECT`, `INSERT`, `UPDATE` and `DELETE`
/// on all of its tables. A schema that a newer jobwork made is refused.
///
/// # Failures
/// While the server restarts, ends sessions or can't be reached, calls fail and workers go on trying: a running job goes on, and
/// its outcome is written when that is possible again. When the answer to a claim is lost with its connection, its jobs are given back, and
/// an outcome counts once, however often it is written. A push whose answer was lost fails, and its error says that it may have been
/// stored all the same: only a unique key keeps a second try from making a second job.
///
/// A worker has a lock in its session. When that is gone for a second and nobody on the same machine runs under its process's number, it
/// is dead, and its jobs are rescued at once. A worker that lost its connection dials again within that time; where it can't, it says so on
/// any other connection that it has. In all other cases, and behind a pooler, jobs are rescued when the lease ends.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> jobwork::Result<()> {
/// use std::sync::Arc;
/// use jobwork::{Jobs, NewJob, store::postgres::Postgres};
///
/// let store = Postgres::open("postgres://app:secret@localhost/app?schema=jobwork").await?;
/// let jobs = Jobs::new(Arc::new(store));
/// jobs.push(vec![NewJob::new("send_email", "{}")]).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Postgres(Arc<Inner>);

struct Inner {
    server: Arc<Server>,
    session: Arc<Session>,
    unlocked: Unlocked,
    last_queue: LastQueue,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.0.server.options.place).finish()
    }
}

impl Postgres {
    /// Opens a store, and makes its schema and what is in it where they are missing, for which the user of the URL needs the right
    /// to create a schema, once.
    ///
    /// A server that can't be reached now is no error: calls fail as long as it can't, and workers go on trying.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that can't be read, [`Error::Open`] where the server refuses
    /// the user or the database, or a newer jobwork made the schema.
    pub async fn open(url: &str) -> Result<Self> {
        let options = Options::parse(url)?;
        let place = options.place.clone();
        let server = Arc::new(Server::new(options).map_err(|failed| failed.opening(&place))?);
        match server.migrate().await {
            Err(failed) if failed.is_away() => {
                tracing::warn!(store = place, error = failed.problem(), "the job store can't be reached; trying again");
            }
            Err(failed) => return Err(failed.opening(&place)),
            Ok(()) => {}
        }
        server.thread.handle().spawn(Arc::clone(&server.hints).serve(Arc::downgrade(&server)));
        Ok(Self(Arc::new(Inner {
            server,
            session: Arc::default(),
            unlocked: Unlocked::default(),
            last_queue: LastQueue::default(),
        })))
    }

    /// Whether a URL can be read, without asking a server.
    pub(crate) fn check_url(url: &str) -> Result<()> {
        Options::parse(url).map(drop)
    }

    fn server(&self) -> &Arc<Server> {
        &self.0.server
    }

    /// The session, from the first use on.
    fn session(&self) -> &Arc<Session> {
        self.0.session.begin(&self.0.server);
        &self.0.session
    }
}

#[async_trait]
impl Store for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        new_job::check(&push)?;
        pushes::push(self.server(), push).await
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        claim::claim(self.server(), &self.0.last_queue, claim).await.map_err(Error::store)
    }

    async fn claim_when_ready(&self, claim: Claim) -> Result<Batch> {
        let server = Arc::downgrade(self.server());
        let back = GiveBack::new(move |jobs| {
            // Where the store is not used any more, its workers have left.
            server.upgrade().into_iter().for_each(|server| server.unstarted.give_back(&server, jobs.clone()));
        });
        let handed = self.server().standing.stand(claim, back).wait().await;
        handed.ok_or_else(|| Error::store("the claim does not stand any more"))
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        finish::finish(self.server(), &finished).await.map_err(Error::store)
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        self.server().standing.take_back();
        beat::beat(self.server(), self.session(), &beat).await.map_err(Error::store)
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        let wakeups = self.server().hints.waker.subscribe(topic);
        self.session();
        wakeups
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }

    fn notes(&self) -> Option<&dyn Notes> {
        Some(self)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }

    fn schedules(&self) -> Option<&dyn Schedules> {
        Some(self)
    }

    fn control(&self) -> Option<&dyn Control> {
        Some(self)
    }

    fn in_transaction(&self) -> Option<InTransaction<'_>> {
        Some(InTransaction::Postgres(self))
    }
}

#[async_trait]
impl Notes for Postgres {
    async fn note(&self, notes: Arc<[Note]>) -> Result<Vec<Settled>> {
        notes::note(self.server(), &notes).await.map_err(Error::store)
    }
}

#[async_trait]
impl Upkeep for Postgres {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        beat::rescue(self.server(), self.session(), &self.0.unlocked, rescue).await.map_err(Error::store)
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        if self.server().expiry.is_later(millis(now)) {
            return Ok(0);
        }
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = [(&millis(now) as _, Type::INT8), (&most as _, Type::INT8)];
        let ended = self.server().call_one("SELECT @.expire($1, $2)", &params).await.map_err(Error::store)?;
        let ended = usize::try_from(ended.get::<_, i64>(0)).unwrap_or(0);
        if ended > 0 {
            self.server().changed();
            self.server().wake_own(&TOPICS);
        }
        Ok(ended)
    }

    async fn prune(&self, prune: Prune) -> Result<usize> {
        prune::prune(self.server(), &prune).await.map_err(Error::store)
    }
}
