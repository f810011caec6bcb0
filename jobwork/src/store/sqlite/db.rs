//! Connections on which calls write, and the transactions made on them.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::thread;

use rusqlite::{CachedStatement, Connection, Params, params};

use super::busy;
use super::locks::Locks;
use super::new_rows::NewRows;
use super::rows;
use super::turn::{Turn, Turns};
use super::{finish, handover, open};
use crate::job::Finished;
use crate::store::standing::{Hungry, StandingClaims};
use crate::store::{Batch, Topic, Waker};

/// A connection on which calls write, and what they share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Db<'c> {
    pub(super) connection: &'c Connection,
    session: &'c Session,
}

/// The writing connection of the store's own.
#[derive(Debug)]
pub(super) struct Owned {
    connection: Connection,
    session: Session,
}

/// What calls on one connection share.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) locks: Arc<Locks>,
    turns: Turns,
    /// Where the next claim that serves every queue begins.
    pub(super) first_queue: Cell<usize>,
    /// New rows that are written before anything else is read or written.
    pub(super) new_rows: NewRows,
    /// Jobs that come back without having started.
    pub(super) unstarted: RefCell<Vec<Finished>>,
    pub(super) standing: Arc<StandingClaims>,
    /// The standing claims that this transaction has looked at, and what it has for them.
    pub(super) handed: RefCell<Vec<(Hungry, Batch)>>,
    /// What this transaction knows.
    pending: Cell<Pending>,
    waker: Arc<Waker>,
    /// The version of the file that was seen last.
    seen: Cell<i64>,
    /// Whether a call is made again that came upon a row which can't be read.
    pub(super) careful: Cell<bool>,
}

/// What a transaction knows until it ends.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    /// The latest time that it was told, in milliseconds.
    now: i64,
    /// The number of the next new row, once it was asked for.
    next_seq: Option<i64>,
    /// The number of the next claim, once it was asked for.
    next_claim: Option<i64>,
    /// The highest number of a job that was deleted.
    last_deleted: i64,
    /// How many more jobs are completed than were before.
    completed: i64,
    /// Whether jobs that come back are written.
    given_back: bool,
    /// The topics to wake.
    woken: [bool; 3],
}

impl Owned {
    pub(super) fn new(connection: Connection, session: Session) -> Self {
        Self { connection, session }
    }

    /// The connection for calls.
    pub(super) fn db(&self) -> Db<'_> {
        Db::on(&self.connection, &self.session)
    }
}

impl Session {
    pub(super) fn new(locks: Arc<Locks>, turns: Turns, waker: Arc<Waker>) -> Self {
        Self {
            locks,
            turns,
            first_queue: Cell::new(0),
            new_rows: NewRows::default(),
            unstarted: RefCell::default(),
            standing: Arc::default(),
            handed: RefCell::default(),
            pending: Cell::default(),
            waker,
            seen: Cell::new(0),
            careful: Cell::new(false),
        }
    }
}

impl Deref for Db<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}

impl<'c> Db<'c> {
    pub(super) fn on(connection: &'c Connection, session: &'c Session) -> Self {
        Self { connection, session }
    }

    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.write_new_rows()?;
        self.connection.prepare_cached(sql)
    }

    /// As [`prepare`](Self::prepare), for what reads as if there were no new rows.
    pub(super) fn peek(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    pub(super) fn write_new_rows(&self) -> rusqlite::Result<()> {
        if self.new_rows.is_empty() { Ok(()) } else { self.new_rows.write(self.connection) }
    }

    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    fn note(&self, change: impl FnOnce(&mut Pending)) {
        let mut pending = self.pending.get();
        change(&mut pending);
        self.pending.set(pending);
    }

    /// Wakes whoever waits for this, once what is being written is committed.
    pub(super) fn wake(&self, topic: Topic) {
        self.note(|pending| pending.woken[topic as usize] = true);
    }

    /// Counts jobs that are completed now, or that were and aren't any more.
    pub(super) fn count_completed(&self, more: i64) {
        self.note(|pending| pending.completed += more);
    }

    /// The number of the first of so many new rows. Known beforehand, because the members of a chain name its first.
    pub(super) fn next_seq(&self, rows: usize) -> rusqlite::Result<i64> {
        // A number that no store reaches by counting was not given by one, and takes none from those that come.
        let next = "SELECT max(last_deleted, coalesce((SELECT max(seq) FROM jobwork_jobs WHERE seq <= ?1), 0)) + 1
            FROM jobwork_totals";
        let first = match self.pending.get().next_seq {
            Some(first) => first,
            // What this transaction has deleted is not in the totals yet.
            None => {
                let next: i64 = self.prepare(next)?.query_row([rows::LAST], |row| row.get(0))?;
                next.max(self.pending.get().last_deleted + 1)
            }
        };
        if first > rows::LAST - rows as i64 {
            return Err(rows::malformed(0, format!("no number is left for a new job after {}", first - 1)));
        }
        self.note(|pending| pending.next_seq = Some(first + rows as i64));
        Ok(first)
    }

    /// The number of a new claim: the next one, or the first behind it that no claim of somebody else's making has.
    pub(super) fn next_claim(&self) -> rusqlite::Result<i64> {
        let next = "WITH next (id) AS (SELECT coalesce(?1, last_claim + 1) FROM jobwork_totals)
            SELECT iif(next.id NOT IN (SELECT id FROM jobwork_claims), next.id, (
                SELECT c.id + 1 FROM jobwork_claims c
                WHERE c.id >= next.id AND c.id + 1 NOT IN (SELECT id FROM jobwork_claims) ORDER BY c.id LIMIT 1
            )) FROM next";
        let claim: i64 = self.prepare(next)?.query_row([self.pending.get().next_claim], |row| row.get(0))?;
        self.note(|pending| pending.next_claim = Some(claim.saturating_add(1)));
        Ok(claim)
    }

    /// A job's row is deleted, and its number is not to be given again.
    pub(super) fn deleted(&self, seq: i64) {
        let given = if seq > rows::LAST { 0 } else { seq };
        self.note(|pending| pending.last_deleted = pending.last_deleted.max(given));
    }

    /// Wakes everybody if another connection has committed since this was asked last.
    pub(super) fn notice_others(&self) -> rusqlite::Result<()> {
        let version = self.prepare("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.seen.replace(version) != version {
            self.waker.wake_all();
        }
        Ok(())
    }

    /// Whether anybody in this process listens to what is written.
    pub(super) fn is_heard(&self) -> bool {
        self.waker.is_heard()
    }

    /// The time at which something happens that may make jobs ready.
    pub(super) fn at(&self, now: i64) {
        self.note(|pending| pending.now = pending.now.max(now));
    }

    /// Does everything in one transaction, or nothing.
    pub(super) fn transaction(&self, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        self.pending.take();
        let turn = self.begin()?;
        let _unwinding = RollBack(self);
        let back = || if self.pending.get().given_back { Ok(()) } else { self.give_back() };
        let all = || work().and_then(|()| back()).and_then(|()| self.hand_over()).and_then(|()| self.write_totals());
        let written = all().and_then(|()| self.execute("COMMIT", []));
        if let Err(error) = written {
            self.roll_back()?;
            return Err(error);
        }
        if self.pending.get().given_back {
            self.unstarted.borrow_mut().clear();
        }
        drop(turn);
        self.tell();
        Ok(())
    }

    /// Does everything or nothing in a transaction that somebody else began and will end.
    #[cfg(feature = "rusqlite")]
    pub(super) fn within<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.pending.take();
        self.execute("SAVEPOINT jobwork_within", [])?;
        let done = work().and_then(|done| self.write_new_rows().and_then(|()| self.write_totals()).map(|()| done));
        if done.is_err() {
            self.new_rows.clear();
            // What is wrong may have ended the whole transaction.
            if self.connection.is_autocommit() {
                return done;
            }
            self.execute("ROLLBACK TO jobwork_within", [])?;
        }
        self.execute("RELEASE jobwork_within", [])?;
        done
    }

    /// Begins a transaction, in turn with other processes where there are any.
    fn begin(&self) -> rusqlite::Result<Turn<'_>> {
        let begin = || busy::patiently(|| self.execute("BEGIN IMMEDIATE", []));
        if !self.turns.are_taken() {
            match busy::hastily(begin) {
                Err(error) if busy::is_busy(&error) && !busy::is_hasty() => {}
                begun => return begun.map(|_| Turn::none()),
            }
        }
        let turn = self.turns.take()?;
        begin().map(|_| turn)
    }

    /// Does something of a transaction, of which nothing is written where it is refused.
    pub(super) fn undoable<T, E>(
        &self,
        work: impl FnOnce() -> rusqlite::Result<Result<T, E>>,
    ) -> rusqlite::Result<Result<T, E>> {
        self.execute("SAVEPOINT jobwork_undoable", [])?;
        let done = work()?;
        if done.is_err() {
            self.execute("ROLLBACK TO jobwork_undoable", [])?;
        }
        self.execute("RELEASE jobwork_undoable", [])?;
        Ok(done)
    }

    /// Writes something that is not to fail what shares its transaction; says whether it is written.
    pub(super) fn apart(&self, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<bool> {
        let written = self.undoable(|| Ok(work()))?;
        if let Err(error) = &written {
            tracing::error!(%error, "can't hand jobs over, or take them back; trying again");
        }
        Ok(written.is_ok())
    }

    /// Gives what is ready now to the claims that stand.
    fn hand_over(&self) -> rusqlite::Result<()> {
        let Pending { now, woken, .. } = self.pending.get();
        if now == 0 || !woken[Topic::Ready as usize] { Ok(()) } else { handover::hand_over(self, now) }
    }

    /// Gives back what has not started.
    pub(super) fn give_back(&self) -> rusqlite::Result<()> {
        let unstarted = self.unstarted.borrow();
        let back = unstarted.is_empty() || self.apart(|| finish::finish(self, &unstarted).map(drop))?;
        self.note(|pending| pending.given_back = back);
        Ok(())
    }

    fn roll_back(&self) -> rusqlite::Result<()> {
        self.new_rows.clear();
        self.handed.borrow_mut().clear();
        if !self.connection.is_autocommit() {
            self.execute("ROLLBACK", [])?;
        }
        Ok(())
    }

    /// Does this with a connection whose commits make no checkpoint.
    pub(super) fn without_checkpoint(&self, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        let _with_them_again = Checkpoints(self);
        self.set("PRAGMA wal_autocheckpoint = 0")?;
        work()
    }

    /// Sets what SQLite answers with the new setting.
    fn set(&self, pragma: &str) -> rusqlite::Result<()> {
        self.prepare(pragma)?.query_row([], |_| Ok(()))
    }

    /// Tells everybody who waits for what was committed.
    fn tell(&self) {
        let mut handed = self.handed.take();
        handed.retain(|(_, batch)| !batch.jobs.is_empty());
        let mut woken = self.pending.get().woken;
        // Those who were handed something need no hint to look, unless they got all that they may get, and left some. If they are
        // all that listen, nobody needs one.
        let content = handed.iter().filter(|(hungry, batch)| batch.jobs.len() < hungry.claim.limit).count();
        woken[Topic::Ready as usize] &= handed.is_empty() || content < self.waker.listeners(Topic::Ready);
        handed.into_iter().for_each(|(hungry, batch)| self.standing.hand(hungry, batch));
        let topics = [Topic::Ready, Topic::Settled, Topic::Signals];
        topics.into_iter().filter(|topic| woken[*topic as usize]).for_each(|topic| self.waker.wake(topic));
    }

    fn write_totals(&self) -> rusqlite::Result<()> {
        let Pending { completed, last_deleted, next_claim, .. } = self.pending.get();
        if completed != 0 || last_deleted != 0 || next_claim.is_some() {
            self.execute(
                "UPDATE jobwork_totals SET completed = completed + ?1, last_deleted = max(last_deleted, ?2),
                 last_claim = coalesce(?3 - 1, last_claim)",
                params![completed, last_deleted, next_claim],
            )?;
        }
        Ok(())
    }
}

/// Lets commits make checkpoints again, also after a panic.
struct Checkpoints<'a>(&'a Db<'a>);

impl Drop for Checkpoints<'_> {
    fn drop(&mut self) {
        // No failure of the commit, or the call would be made again. The next commit at hand sets it too.
        if let Err(error) = self.0.set(open::CHECKPOINTS) {
            tracing::warn!(%error, "the next commit of the job store makes no checkpoint");
        }
    }
}

/// Ends a transaction in which something panicked: open, it would keep the file locked for everybody.
struct RollBack<'a>(&'a Db<'a>);

impl Drop for RollBack<'_> {
    fn drop(&mut self) {
        if thread::panicking() && self.0.roll_back().is_err() {
            tracing::error!("a transaction in which something panicked can't be rolled back");
        }
    }
}
