//! One thread per file and process that writes, so that many calls share one commit.

use std::cell::{Cell, RefCell};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rusqlite::{CachedStatement, Connection, Params};
use tokio::sync::oneshot;

use super::at_hand::AtHand;
use super::busy;
use super::locks::Locks;
use super::new_rows::NewRows;
use super::rows;
use super::standing::{Handed, Standing, StandingClaims};
use super::{claim, finish, open};
use crate::error::{Error, Result};
use crate::job::Finished;
use crate::store::{Batch, Claim, Topic, Waker};

/// More calls than this don't share one commit, so that no reply waits for ever.
const MOST: usize = 4_096;

/// The writing connection, and what its calls share.
#[derive(Debug)]
pub(super) struct Db {
    pub(super) connection: Connection,
    pub(super) locks: Arc<Locks>,
    /// Where the next claim that serves every queue begins.
    pub(super) turn: Cell<usize>,
    /// New rows that are written before anything else is read or written.
    pub(super) new_rows: NewRows,
    /// The number of the next new row, once this transaction knows it.
    pub(super) next_seq: Cell<Option<i64>>,
    /// How many more jobs are completed than were before this transaction.
    completed: Cell<i64>,
    /// The latest time that this transaction was told, in milliseconds.
    now: Cell<i64>,
    standing: Arc<StandingClaims>,
    /// The standing claims that this transaction has looked at, and what it has for them.
    handed: RefCell<Vec<(Standing, Batch)>>,
    waker: Arc<Waker>,
    woken: Cell<[bool; 3]>,
    seen: Cell<i64>,
}

impl Db {
    pub(super) fn new(connection: Connection, locks: Arc<Locks>, waker: Arc<Waker>) -> Self {
        Self {
            connection,
            locks,
            turn: Cell::new(0),
            new_rows: NewRows::default(),
            next_seq: Cell::new(None),
            completed: Cell::new(0),
            now: Cell::new(0),
            standing: Arc::default(),
            handed: RefCell::default(),
            waker,
            woken: Cell::new([false; 3]),
            seen: Cell::new(0),
        }
    }

    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.new_rows.write(&self.connection)?;
        self.connection.prepare_cached(sql)
    }

    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Wakes whoever waits for this, once what is being written is committed.
    pub(super) fn wake(&self, topic: Topic) {
        let mut woken = self.woken.get();
        woken[topic as usize] = true;
        self.woken.set(woken);
    }

    /// Counts jobs that are completed now, or that were and aren't any more.
    pub(super) fn count_completed(&self, more: i64) {
        self.completed.set(self.completed.get() + more);
    }

    /// Wakes everybody if another connection has committed since this was asked last.
    pub(super) fn notice_others(&self) -> rusqlite::Result<()> {
        let version = self.prepare("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.seen.replace(version) != version {
            self.waker.wake_all();
        }
        Ok(())
    }

    /// The time at which something happens that may make jobs ready.
    pub(super) fn at(&self, now: i64) {
        self.now.set(self.now.get().max(now));
    }

    /// Does everything in one transaction, or nothing.
    fn transaction(&self, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        self.woken.set([false; 3]);
        self.next_seq.set(None);
        self.completed.set(0);
        self.now.set(0);
        busy::patiently(|| self.execute("BEGIN IMMEDIATE", []))?;
        let all = || work().and_then(|()| self.hand_over()).and_then(|()| self.write_totals());
        let written = all().and_then(|()| self.execute("COMMIT", []));
        if let Err(error) = written {
            self.new_rows.clear();
            self.standing.put_back(self.handed.take().into_iter().map(|(standing, _)| standing));
            if !self.connection.is_autocommit() {
                self.execute("ROLLBACK", [])?;
            }
            return Err(error);
        }
        self.tell();
        Ok(())
    }

    /// Does this with a connection whose commits make no checkpoint.
    fn without_checkpoint(&self, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        let at = |sql| self.prepare(sql)?.query_row([], |_| Ok(()));
        at("PRAGMA wal_autocheckpoint = 0")?;
        let done = work();
        at(open::CHECKPOINTS)?;
        done
    }

    /// Gives what is ready now to the claims that stand.
    fn hand_over(&self) -> rusqlite::Result<()> {
        let now = self.now.get();
        if now == 0 || !self.woken.get()[Topic::Ready as usize] {
            return Ok(());
        }
        let standing = self.standing.take().into_iter().map(|standing| (standing, Batch::default()));
        *self.handed.borrow_mut() = standing.collect();
        for (standing, batch) in &mut *self.handed.borrow_mut() {
            standing.claim.now = rows::time(now);
            *batch = claim::claim(self, &standing.claim)?;
        }
        Ok(())
    }

    /// Tells everybody who waits for what was committed.
    fn tell(&self) {
        let (handed, idle): (Vec<_>, Vec<_>) =
            self.handed.take().into_iter().partition(|(_, batch)| !batch.jobs.is_empty());
        self.standing.put_back(idle.into_iter().map(|(standing, _)| standing));
        let mut woken = self.woken.get();
        // Those who were handed something need no hint to look; if they are all that listen, nobody does.
        woken[Topic::Ready as usize] &= handed.is_empty() || handed.len() < self.waker.listeners(Topic::Ready);
        handed.into_iter().for_each(|(standing, batch)| standing.hand(batch));
        let topics = [Topic::Ready, Topic::Settled, Topic::Signals];
        topics.into_iter().filter(|topic| woken[*topic as usize]).for_each(|topic| self.waker.wake(topic));
    }

    fn write_totals(&self) -> rusqlite::Result<()> {
        if self.completed.get() != 0 {
            self.execute("UPDATE jobwork_totals SET completed = completed + ?1", [self.completed.get()])?;
        }
        Ok(())
    }
}

/// A call on its way to the thread. It may be asked twice: when a call that shared its transaction failed.
trait Task: Send {
    /// Whether the call is answered by what reading alone finds.
    fn look(&mut self, db: &Db) -> bool;
    fn work(&mut self, db: &Db) -> rusqlite::Result<()>;
    fn reply(self: Box<Self>, failed: Option<rusqlite::Error>);
}

struct Call<T, L, W> {
    look: L,
    work: W,
    answer: Option<T>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T, L, W> Task for Call<T, L, W>
where
    T: Send,
    L: FnMut(&Db) -> rusqlite::Result<Option<T>> + Send,
    W: FnMut(&Db) -> rusqlite::Result<T> + Send,
{
    fn look(&mut self, db: &Db) -> bool {
        // An error while looking is left to the transaction, which meets it again and reports it.
        self.answer = busy::patiently(|| (self.look)(db)).unwrap_or_default();
        self.answer.is_some()
    }

    fn work(&mut self, db: &Db) -> rusqlite::Result<()> {
        self.answer = Some((self.work)(db)?);
        Ok(())
    }

    fn reply(self: Box<Self>, failed: Option<rusqlite::Error>) {
        let answer = match (failed, self.answer) {
            (None, Some(answer)) => Ok(answer),
            (Some(error), _) => Err(Error::store(error)),
            (None, None) => Err(ended()),
        };
        // Nobody is there when the future of the call was dropped.
        let _ = self.caller.send(answer);
    }
}

/// Nobody waits for the answer: somebody committed, and the thread finds out whether it was another connection.
struct NoticeOthers;

impl Task for NoticeOthers {
    fn look(&mut self, db: &Db) -> bool {
        // A failure here is a hint that was missed, and polling suffices.
        busy::patiently(|| db.notice_others()).is_ok()
    }

    fn work(&mut self, _db: &Db) -> rusqlite::Result<()> {
        Ok(())
    }

    fn reply(self: Box<Self>, _failed: Option<rusqlite::Error>) {}
}

/// Nobody waits for the answer: jobs that were handed over come back.
struct GiveBack(Vec<Finished>);

impl Task for GiveBack {
    fn look(&mut self, _db: &Db) -> bool {
        false
    }

    fn work(&mut self, db: &Db) -> rusqlite::Result<()> {
        finish::finish(db, &self.0).map(drop)
    }

    fn reply(self: Box<Self>, failed: Option<rusqlite::Error>) {
        if let Some(error) = failed {
            tracing::error!(%error, jobs = self.0.len(), "can't give jobs back that were claimed; their worker's end will");
        }
    }
}

/// The sending side of the thread; dropping it lets the thread finish what it was asked, and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    tasks: Option<Tasks>,
    /// The thread has it while it works, and a task that commits by itself.
    db: Arc<Mutex<Db>>,
    at_hand: Arc<AtHand>,
    standing: Arc<StandingClaims>,
    thread: Option<JoinHandle<()>>,
}

/// A way to ask the writer to look whether other connections have committed.
#[derive(Clone, Debug)]
pub(super) struct Tasks(Sender<Box<dyn Task>>);

impl Tasks {
    /// Asks for that, unless the writer is gone.
    pub(super) fn notice_others(&self) {
        let _ = self.0.send(Box::new(NoticeOthers));
    }

    /// Gives back jobs that were claimed for a worker that does not take them. Where the thread has ended, its worker has
    /// too.
    pub(super) fn give_back(&self, jobs: Vec<Finished>) {
        drop(self.0.send(Box::new(GiveBack(jobs))));
    }
}

impl Writer {
    pub(super) fn start(db: Db) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let standing = Arc::clone(&db.standing);
        let (db, at_hand) = (Arc::new(Mutex::new(db)), Arc::new(AtHand::default()));
        let (shared, known) = (Arc::clone(&db), Arc::clone(&at_hand));
        let run = move || run(&shared, &known, &receiver);
        let thread = thread::Builder::new().name("jobwork-sqlite".to_owned()).spawn(run)?;
        Ok(Self { tasks: Some(Tasks(sender)), db, at_hand, standing, thread: Some(thread) })
    }

    /// `None` only while the writer is being dropped.
    pub(super) fn tasks(&self) -> Option<Tasks> {
        self.tasks.clone()
    }

    /// Calls `work` in a transaction, unless `look`, outside of any, had the answer. Both may be called twice.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        look: impl FnMut(&Db) -> rusqlite::Result<Option<T>> + Send + 'static,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let call = Call { look, work, answer: None, caller };
        let sent = self.tasks.as_ref().map(|tasks| tasks.0.send(Box::new(call)));
        if !matches!(sent, Some(Ok(()))) {
            return Err(ended());
        }
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Waits for jobs that are handed over in the commit that makes them ready. Dropping the future gives back what was handed
    /// over meanwhile.
    pub(super) async fn stand(&self, claim: Claim) -> Result<Batch> {
        let tasks = self.tasks().ok_or_else(ended)?;
        self.standing.add(claim, tasks).await.map(Handed::take).map_err(|_| ended())
    }

    /// As [`call`](Self::call), where only a transaction can have the answer.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(|_| Ok(None), work).await
    }

    /// As [`write`](Self::write), and commits here and now where that is better: see [`AtHand`].
    pub(super) async fn write_at_hand<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.commit_at_hand(&mut work) {
            Some(answer) => answer,
            None => self.write(work).await,
        }
    }

    /// `None` where it is not to be done, or another process is writing: then nothing is.
    fn commit_at_hand<T>(&self, work: &mut impl FnMut(&Db) -> rusqlite::Result<T>) -> Option<Result<T>> {
        if !self.at_hand.may_commit() {
            return None;
        }
        let db = self.db.try_lock().ok()?;
        let (begun, mut answer) = (Instant::now(), None);
        let commit = || db.without_checkpoint(|| db.transaction(|| work(&db).map(|done| answer = Some(done))));
        let committed = busy::hastily(commit);
        self.at_hand.committed(begun.elapsed());
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
        drop(self.standing.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ended() -> Error {
    Error::store("the thread that writes the job store's file has ended")
}

fn run(db: &Mutex<Db>, at_hand: &AtHand, tasks: &Receiver<Box<dyn Task>>) {
    while let Ok(first) = tasks.recv() {
        // Poisoned by a panic in the middle of a transaction, which nobody could end.
        let Ok(db) = db.lock() else { return };
        let mut batch = vec![first];
        batch.extend(tasks.try_iter().take(MOST - 1));
        at_hand.thread_had(batch.len());
        perform(&db, batch);
    }
}

fn perform(db: &Db, batch: Vec<Box<dyn Task>>) {
    let mut writing = Vec::with_capacity(batch.len());
    for mut task in batch {
        // What follows a write has to see it, so it is asked in the transaction.
        if writing.is_empty() && task.look(db) { task.reply(None) } else { writing.push(task) }
    }
    if writing.is_empty() {
        return;
    }
    if writing.len() > 1 && db.transaction(|| writing.iter_mut().try_for_each(|task| task.work(db))).is_ok() {
        writing.into_iter().for_each(|task| task.reply(None));
    } else {
        writing.into_iter().for_each(|task| alone(db, task));
    }
}

/// Performs a call by itself, so that it fails only if it is its own fault.
fn alone(db: &Db, mut task: Box<dyn Task>) {
    let written = db.transaction(|| task.work(db));
    task.reply(written.err());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").unwrap();
        let locks = Arc::new(Locks::beside("unused".as_ref()));
        Writer::start(Db::new(connection, locks, Arc::default())).unwrap()
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
    async fn a_call_that_looking_answers_opens_no_transaction() {
        let writer = writer();
        let free = |db: &Db| Ok(Some(db.connection.is_autocommit()));
        assert!(writer.call(free, |_| Ok(false)).await.unwrap());
    }
}
