//! One thread per file and process that writes, so that many calls share one commit. A lone one may be made by its own task.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::sync::oneshot;

use super::at_hand::AtHand;
use super::call::{Call, Rank, Task, Tasks, Told, ended};
use super::db::{Db, Owned};
use super::{busy, claim, unreadable};
use crate::error::{Error, Result};
use crate::store::standing::{GiveBack, StandingClaims};
use crate::store::{Batch, Claim};

/// More calls than this don't share one commit, so that no reply waits for ever.
const MOST: usize = 4_096;

/// The sending side of the thread; dropping it lets the thread finish what it was asked, and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    tasks: Option<Tasks>,
    /// The thread has it while it works, and a task that commits by itself.
    db: Arc<Mutex<Owned>>,
    at_hand: Arc<AtHand>,
    standing: Arc<StandingClaims>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(db: Owned) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let standing = Arc::clone(&db.db().standing);
        let (db, at_hand) = (Arc::new(Mutex::new(db)), Arc::new(AtHand::default()));
        let (shared, known) = (Arc::clone(&db), Arc::clone(&at_hand));
        let run = move || run(&shared, &known, &receiver);
        let thread = thread::Builder::new().name("jobwork-sqlite".to_owned()).spawn(run)?;
        let tasks = Tasks::new(sender, Arc::clone(&at_hand));
        Ok(Self { tasks: Some(tasks), db, at_hand, standing, thread: Some(thread) })
    }

    /// `None` only while the writer is being dropped.
    pub(super) fn tasks(&self) -> Option<Tasks> {
        self.tasks.clone()
    }

    /// Calls `work` in a transaction, unless `look`, outside of any, had the answer. Both may be called twice.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        rank: Rank,
        look: impl FnMut(&Db) -> rusqlite::Result<Option<T>> + Send + 'static,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call_and_tell(rank, look, work, None).await
    }

    async fn call_and_tell<T: Send + 'static>(
        &self,
        rank: Rank,
        look: impl FnMut(&Db) -> rusqlite::Result<Option<T>> + Send + 'static,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
        told: Option<Told<T>>,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let call = Call { rank, look, work, answer: None, told, caller };
        if !self.tasks.as_ref().is_some_and(|tasks| tasks.send(call)) {
            return Err(ended());
        }
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Takes back what was handed over and has not been taken.
    pub(super) fn take_back(&self) {
        self.standing.take_back();
    }

    /// Waits for jobs that are handed over in the commit that makes them ready. Dropping the future gives back what was handed
    /// over meanwhile.
    pub(super) async fn stand(&self, claim: Claim) -> Result<Batch> {
        let tasks = self.tasks().ok_or_else(ended)?;
        let back = GiveBack::new(move |jobs| tasks.give_back(jobs));
        self.standing.stand(claim, back).wait().await.ok_or_else(ended)
    }

    /// Asks for ready jobs, besides those that were handed to the worker since it was answered last.
    pub(super) async fn claim(&self, mut claim: Claim) -> Result<Batch> {
        let Some(paused) = self.standing.pause(&mut claim, 0) else {
            return self.claim_and_tell(claim, None).await;
        };
        let (standing, place) = (Arc::clone(&self.standing), paused.place());
        // Before the answer goes out, so that the next commit may hand over again.
        let resume = move |found: &Batch| standing.resume(place, found);
        Ok(paused.and(self.claim_and_tell(claim, Some(Box::new(resume))).await?))
    }

    async fn claim_and_tell(&self, claim: Claim, told: Option<Told<Batch>>) -> Result<Batch> {
        let claim = Arc::new(claim);
        let again = Arc::clone(&claim);
        let look = move |db: &Db| claim::look(db, &claim);
        self.call_and_tell(Rank::Claim, look, move |db| claim::claim(db, &again), told).await
    }

    /// As [`call`](Self::call), where only a transaction can have the answer.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(Rank::Other, |_| Ok(None), work).await
    }

    /// Stores new jobs.
    pub(super) async fn push<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(Rank::Push, |_| Ok(None), work).await
    }

    /// As [`push`](Self::push), and commits here and now where that is better: see [`AtHand`].
    pub(super) async fn push_at_hand<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.commit_at_hand(&mut work) {
            Some(answer) => {
                if self.at_hand.lets_go() {
                    tokio::task::yield_now().await;
                }
                answer
            }
            None => self.push(work).await,
        }
    }

    /// `None` where it is not to be done, or another process is writing: then nothing is.
    fn commit_at_hand<T>(&self, work: &mut impl FnMut(&Db) -> rusqlite::Result<T>) -> Option<Result<T>> {
        if !self.at_hand.may_commit() {
            return None;
        }
        let owned = self.db.try_lock().ok()?;
        let db = owned.db();
        let (begun, mut answer) = (Instant::now(), None);
        let commit = || db.without_checkpoint(|| db.transaction(|| work(&db).map(|done| answer = Some(done))));
        let committed = busy::hastily(commit);
        self.at_hand.committed(begun.elapsed(), db.is_heard());
        match committed {
            Ok(()) => answer.map(Ok),
            Err(error) if busy::is_busy(&error) => None,
            Err(error) => Some(Err(Error::store(error))),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
        // Nobody awaits these any more, but each could send to the thread.
        self.standing.clear();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(db: &Mutex<Owned>, at_hand: &AtHand, tasks: &Receiver<Box<dyn Task>>) {
    while let Ok(first) = tasks.recv() {
        // A panic has rolled its transaction back, and another call has nothing to do with it.
        let db = db.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = vec![first];
        batch.extend(tasks.try_iter().take(MOST - 1));
        at_hand.thread_had(batch.len());
        // Nor has any call that comes after it: without the thread nothing would be written any more.
        let performed = catch_unwind(AssertUnwindSafe(|| perform(&db.db(), at_hand, batch, tasks)));
        if performed.is_err() {
            tracing::error!("a call of the job store panicked, and nothing of it is written");
        }
    }
}

fn perform(db: &Db, at_hand: &AtHand, mut batch: Vec<Box<dyn Task>>, tasks: &Receiver<Box<dyn Task>>) {
    batch.sort_by_key(|task| task.rank());
    let mut writing = Vec::with_capacity(batch.len());
    for mut task in batch {
        // What follows a write has to see it, so it is asked in the transaction.
        if writing.is_empty() && task.look(db) { task.reply(None) } else { writing.push(task) }
    }
    if writing.is_empty() {
        return;
    }
    let together = db.transaction(|| {
        // What came while the file was another process's.
        let before = writing.len();
        writing.extend(tasks.try_iter().take(MOST.saturating_sub(before)));
        at_hand.thread_had_more(writing.len() - before);
        writing.sort_by_key(|task| task.rank());
        writing.iter_mut().try_for_each(|task| task.work(db))
    });
    match together {
        Ok(()) => writing.into_iter().for_each(|task| task.reply(None)),
        // Alone it was already, and is not asked again.
        Err(error) if writing.len() == 1 && !unreadable::is_unreadable(&error) => {
            writing.into_iter().zip([error]).for_each(|(task, error)| task.reply(Some(error)));
        }
        Err(_) => writing.into_iter().for_each(|task| alone(db, task)),
    }
}

/// Performs a call by itself, so that it fails only if it is its own fault.
fn alone(db: &Db, mut task: Box<dyn Task>) {
    let written = unreadable::alone(db, || task.work(db));
    task.reply(written.err());
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::sqlite::db::Session;
    use crate::store::sqlite::locks::Locks;
    use crate::store::sqlite::turn::Turns;
    use crate::store::{Topic, Waker};

    fn writer() -> Writer {
        writer_on(Connection::open_in_memory().unwrap(), Arc::default())
    }

    fn writer_on(connection: Connection, waker: Arc<Waker>) -> Writer {
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").unwrap();
        let locks = Arc::new(Locks::beside("unused".as_ref()));
        let turns = Turns::beside(connection.path().unwrap_or_default().as_ref());
        Writer::start(Owned::new(connection, Session::new(locks, turns, waker))).unwrap()
    }

    /// The thread that a call without anything to write is made on.
    async fn thread(writer: &Writer) -> Option<String> {
        let name = writer.push_at_hand(|_| Ok(thread::current().name().map(str::to_owned)));
        name.await.unwrap()
    }

    async fn insert(writer: &Writer, n: i64) -> Result<usize> {
        writer.write(move |db| db.execute("INSERT INTO t VALUES (?1)", [n])).await
    }

    #[tokio::test]
    async fn a_call_that_fails_leaves_its_neighbours_alone() {
        let writer = writer();
        // The thread is held until all three calls wait, so that they share a transaction.
        let (go, gate) = mpsc::channel();
        let hold = writer.call(
            Rank::Other,
            move |_| {
                let _ = gate.recv();
                Ok(Some(()))
            },
            |_| Ok(()),
        );
        let release = async { go.send(()).unwrap() };
        let (_, one, twice, other, ()) =
            tokio::join!(hold, insert(&writer, 1), insert(&writer, 1), insert(&writer, 2), release);
        assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
        assert!(twice.unwrap_err().to_string().contains("UNIQUE"));
        let count = writer.write(|db| db.prepare("SELECT count(*) FROM t")?.query_row([], |row| row.get::<_, i64>(0)));
        assert_eq!(count.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_panic_ends_its_transaction_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jobs.db");
        let writer = writer_on(Connection::open(&file).unwrap(), Arc::default());
        let panics = || {
            let db = writer.db.lock().unwrap();
            db.db().transaction(|| panic!("in the middle of a write"))
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        let other = Connection::open(&file).unwrap();
        assert_eq!(other.execute("INSERT INTO t VALUES (1)", []).unwrap(), 1, "the file is not locked");
        assert_eq!(insert(&writer, 2).await.unwrap(), 1, "the writer goes on");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_lone_call_is_made_by_its_own_task_and_leaves_checkpoints_as_they_were() {
        let writer = writer();
        assert_ne!(thread(&writer).await.as_deref(), Some("jobwork-sqlite"));
        let db = writer.db.lock().unwrap();
        let pages: i64 = db.db().connection.query_row("PRAGMA wal_autocheckpoint", [], |row| row.get(0)).unwrap();
        assert_eq!(format!("PRAGMA wal_autocheckpoint = {pages}"), super::super::open::CHECKPOINTS);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_lone_call_that_meets_another_writer_waits_for_it_on_the_writers_thread() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jobs.db");
        let mut connection = Connection::open(&file).unwrap();
        busy::be_patient(&mut connection).unwrap();
        let writer = writer_on(connection, Arc::default());
        let other = Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let call = thread(&writer);
        let release = async { other.execute_batch("COMMIT").unwrap() };
        let (made_by, ()) = tokio::join!(call, release);
        assert_eq!(made_by.as_deref(), Some("jobwork-sqlite"));
    }

    #[tokio::test]
    async fn a_hint_that_follows_a_write_is_heard() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jobs.db");
        let waker = Arc::new(Waker::default());
        let writer = writer_on(Connection::open(&file).unwrap(), Arc::clone(&waker));
        let tasks = writer.tasks().unwrap();
        let mut hints = waker.subscribe(Topic::Settled);
        // The first look takes whatever version it finds for a new one.
        tasks.notice_others();
        hints.changed().await;
        Connection::open(&file).unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
        // The thread is held until both calls wait; the first writes nothing that a later look could find.
        let held = writer.db.lock().unwrap();
        let write = writer.write(|db| db.execute("DELETE FROM t WHERE n = 2", []));
        let hint = async {
            tasks.notice_others();
            drop(held);
        };
        let (deleted, ()) = tokio::join!(write, hint);
        assert_eq!(deleted.unwrap(), 0);
        hints.changed().await;
    }

    #[tokio::test]
    async fn a_call_that_looking_answers_opens_no_transaction() {
        let writer = writer();
        let free = |db: &Db| Ok(Some(db.connection.is_autocommit()));
        assert!(writer.call(Rank::Other, free, |_| Ok(false)).await.unwrap());
    }
}
