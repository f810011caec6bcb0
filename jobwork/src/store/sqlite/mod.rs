//! Jobs in one SQLite file, for any number of processes of one machine.

#![allow(elided_lifetimes_in_paths, reason = "every call is given a `&Db`, whose lifetimes are of no interest there")]

mod at_hand;
mod batches;
mod beat;
mod busy;
mod call;
mod change;
mod claim;
mod claims;
mod control;
mod database;
mod db;
mod details;
mod ended;
mod expire;
mod filter;
mod finish;
mod flow;
mod gates;
mod handover;
mod history;
#[cfg(feature = "rusqlite")]
mod in_transaction;
mod inspect;
mod limits;
mod locks;
mod look;
mod new_rows;
mod notes;
mod open;
mod ordered;
mod prune;
mod push;
mod reader;
mod ready;
mod rescue;
mod rows;
mod scan;
mod schedules;
mod schema;
#[cfg(test)]
mod tests;
mod turn;
mod unique;
mod unreadable;
mod waiters;
mod watch;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::oneshot;

use self::call::Rank;
use self::database::Database;
use self::db::Db;
use self::reader::Reader;
use self::writer::Writer;
use super::{
    Batch, Beat, Claim, Control, InTransaction, Inspect, Notes, Prune, Push, Rescue, Schedules, Settled, Signals,
    Store, Stored, Topic, Upkeep, Wakeups,
};
use crate::error::Result;
use crate::job::{Finished, JobId, Note};

/// A store in one SQLite file.
///
/// Several processes may use the file at once, and it may be the application's own: every table's name begins with
/// `jobwork_`. The file is switched to WAL, so it must be on a local disk. Beside it lies a small lock file for each
/// living worker, and, once two processes have met that write, an empty file by whose lock they take turns.
///
/// What is written is committed with `synchronous = FULL`, calls that are made at the same time sharing a commit, which a thread of
/// the store makes. A lone dispatch of few jobs is committed by its own task where that blocks one of several threads of a
/// runtime, and for no longer than a millisecond as a rule.
/// Where another process writes to the file, calls wait for it as long as it takes: one that is stopped (SIGSTOP, a
/// debugger) in the middle of a write keeps the others waiting until it goes on or is killed.
///
/// All handles that a process has of a file share one writer; a handle is cheap to clone, and with the last one the
/// file is closed, which may take as long as the writes that were begun.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let file = directory.path().join("jobs.db");
/// use std::sync::Arc;
/// use jobwork::{Jobs, NewJob, store::sqlite::Sqlite};
///
/// let jobs = Jobs::new(Arc::new(Sqlite::open(file).await?));
/// assert_eq!(jobs.push(vec![NewJob::new("send_email", "{}")]).await?.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Sqlite(Arc<Database>);

impl Sqlite {
    /// Opens a file, and creates it and its tables where they are missing. Its directory must exist.
    ///
    /// # Errors
    /// [`Error::Open`](crate::Error::Open) for what is not a database, can't be written, or has tables that a newer
    /// jobwork made.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let (sender, opened) = oneshot::channel();
        let place = path.clone();
        // Opening may wait for other processes, which an async thread must not.
        let open = move || drop(sender.send(Database::open(&path)));
        let thread = std::thread::Builder::new().name("jobwork-open".to_owned()).spawn(open);
        thread.map_err(|error| open::not_started(&place, &error))?;
        let ended = |_| Err(open::refused(&place, "the thread that opened it has ended".to_owned()));
        opened.await.unwrap_or_else(ended).map(Self)
    }

    /// The file, by its canonical path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn writer(&self) -> &Writer {
        &self.0.writer
    }

    fn reader(&self) -> &Reader {
        &self.0.reader
    }
}

/// A push of more jobs than this is always written by the writer's thread.
const FEW: usize = 16;

#[async_trait]
impl Store for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        push.check()?;
        let few = push.jobs.len() <= FEW;
        let push = Arc::new(push);
        // Let go of here and not on the writer's thread, where that would cost all who wait.
        let ours = Arc::clone(&push);
        let store = move |db: &Db| push::push(db, &push);
        let stored = if few { self.writer().push_at_hand(store).await } else { self.writer().push(store).await };
        drop(ours);
        stored?
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        self.writer().claim(claim).await
    }

    async fn claim_when_ready(&self, claim: Claim) -> Result<Batch> {
        self.writer().stand(claim).await
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        self.writer().write(move |db| finish::finish(db, &finished)).await
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        // Beats come as often as this is worth, and from a thread that no job blocks.
        self.writer().take_back();
        let again = beat.clone();
        self.writer().call(Rank::Other, move |db| beat::look(db, &beat), move |db| beat::beat(db, &again)).await
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        let wakeups = self.0.waker.subscribe(topic);
        self.0.watch.listen();
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
        #[cfg(feature = "rusqlite")]
        return Some(InTransaction::Sqlite(self));
        #[cfg(not(feature = "rusqlite"))]
        None
    }
}

#[async_trait]
impl Notes for Sqlite {
    async fn note(&self, notes: Arc<[Note]>) -> Result<Vec<Settled>> {
        self.writer().write(move |db| notes::note(db, &notes)).await
    }
}

#[async_trait]
impl Upkeep for Sqlite {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        self.writer().call(Rank::Other, move |db| rescue::look(db, rescue), move |db| rescue::rescue(db, rescue)).await
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let now = rows::millis(now);
        self.writer()
            .call(Rank::Other, move |db| expire::look(db, now, limit), move |db| expire::expire(db, now, limit))
            .await
    }

    async fn prune(&self, prune: Prune) -> Result<usize> {
        let now = rows::millis(prune.now);
        let found = self.reader().call(move |rows| prune::find(rows, &prune)).await?;
        if found.is_empty() {
            return Ok(0);
        }
        self.writer().write(move |db| prune::delete(db, &found, now)).await
    }
}
