//! One thread per file and process that writes, so that many calls share one commit.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::{CachedStatement, Connection, Params};
use tokio::sync::oneshot;

use super::busy;
use super::locks::Locks;
use crate::error::{Error, Result};
use crate::store::{Topic, Waker};

/// More calls than this don't share one commit, so that no reply waits for ever.
const MOST: usize = 4_096;

/// The writing connection, and what its calls share.
#[derive(Debug)]
pub(super) struct Db {
    pub(super) connection: Connection,
    pub(super) locks: Arc<Locks>,
    /// Where the next claim that serves every queue begins.
    pub(super) turn: Cell<usize>,
    waker: Arc<Waker>,
    woken: Cell<[bool; 3]>,
    seen: Cell<i64>,
}

impl Db {
    pub(super) fn new(connection: Connection, locks: Arc<Locks>, waker: Arc<Waker>) -> Self {
        let (turn, woken, seen) = (Cell::new(0), Cell::new([false; 3]), Cell::new(0));
        Self { connection, locks, turn, waker, woken, seen }
    }

    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
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

    /// Wakes everybody if another connection has committed since this was asked last.
    pub(super) fn notice_others(&self) -> rusqlite::Result<()> {
        let version = self.prepare("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.seen.replace(version) != version {
            self.waker.wake_all();
        }
        Ok(())
    }

    /// Does everything in one transaction, or nothing.
    fn transaction(&self, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        self.woken.set([false; 3]);
        busy::patiently(|| self.execute("BEGIN IMMEDIATE", []))?;
        let written = work().and_then(|()| self.execute("COMMIT", []));
        if let Err(error) = written {
            if !self.connection.is_autocommit() {
                self.execute("ROLLBACK", [])?;
            }
            return Err(error);
        }
        let topics = [Topic::Ready, Topic::Settled, Topic::Signals];
        topics.into_iter().filter(|topic| self.woken.get()[*topic as usize]).for_each(|topic| self.waker.wake(topic));
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

/// The sending side of the thread; dropping it lets the thread finish what it was asked, and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    tasks: Option<Tasks>,
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
}

impl Writer {
    pub(super) fn start(db: Db) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new().name("jobwork-sqlite".to_owned()).spawn(move || run(&db, &receiver))?;
        Ok(Self { tasks: Some(Tasks(sender)), thread: Some(thread) })
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

    /// As [`call`](Self::call), where only a transaction can have the answer.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(|_| Ok(None), work).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ended() -> Error {
    Error::store("the thread that writes the job store's file has ended")
}

fn run(db: &Db, tasks: &Receiver<Box<dyn Task>>) {
    while let Ok(first) = tasks.recv() {
        let mut batch = vec![first];
        batch.extend(tasks.try_iter().take(MOST - 1));
        perform(db, batch);
    }
}

fn perform(db: &Db, batch: Vec<Box<dyn Task>>) {
    let mut writing = Vec::with_capacity(batch.len());
    for mut task in batch {
        if task.look(db) { task.reply(None) } else { writing.push(task) }
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
