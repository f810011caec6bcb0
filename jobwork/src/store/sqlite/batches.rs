//! Batches: every change of a member is counted in the transaction that makes it.

use std::collections::BTreeMap;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::db::Db;
use super::finish::end;
use super::rows::{batch_id, job_id, job_state, millis, state, time};
use super::unreadable::all_sound;
use super::{ready, waiters};
use crate::error::{Error, Result};
use crate::job::{BatchId, BatchPlace, BatchRecord, JobState, NewBatch};
use crate::store::places::{self, Part};
use crate::store::tally::{NOBODY_DIED, Standing, Tally, Turn};
use crate::store::{BatchFilter, Push, Topic};

/// The batches of a push, while its jobs are being stored.
#[derive(Default)]
pub(super) struct Opened {
    /// The number of the first new one.
    first: i64,
    /// Each job's batch and its part in it, by the job's index; empty where no job has one.
    places: Vec<Option<(u64, Part)>>,
    /// By the number of a batch, how many members it gains, and how many rows that name it.
    gains: BTreeMap<i64, (i64, i64)>,
    stored: BTreeMap<BatchId, i64>,
}

/// Finds the batches of a push, unless one of them is not open.
pub(super) fn open(db: &Db, push: &Push) -> rusqlite::Result<Result<Opened>> {
    if push.batches.is_empty() && push.jobs.iter().all(|job| job.batch.is_none()) {
        return Ok(Ok(Opened::default()));
    }
    let last = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'jobwork_batches'";
    let mut opened = Opened { first: db.prepare(last)?.query_row([], |row| row.get(0))?, ..Opened::default() };
    let parents = push.batches.iter().map(|batch| batch.parent);
    for place in push.jobs.iter().map(|job| job.batch).chain(parents).flatten() {
        let BatchPlace::Stored(id) = place else { continue };
        match is_open(db, id)? {
            None => return Ok(Err(Error::NoSuchBatch(id))),
            Some((_, false)) => return Ok(Err(Error::BatchClosed(id))),
            Some((seq, true)) => opened.stored.insert(id, seq),
        };
    }
    opened.places = places::places(push, |place| opened.number(place).unsigned_abs());
    for batch in push.batches.iter().filter_map(|batch| batch.parent) {
        let gain = opened.gains.entry(opened.number(batch)).or_default();
        *gain = (gain.0 + 1, gain.1 + 1);
    }
    Ok(Ok(opened))
}

/// The number of a batch, and whether it is open.
fn is_open(db: &Db, id: BatchId) -> rusqlite::Result<Option<(i64, bool)>> {
    let Some(row) = row_of(id) else { return Ok(None) };
    db.prepare("SELECT seq, finished_at IS NULL FROM jobwork_batches WHERE seq = ?1 AND created_at = ?2")?
        .query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// The row that an id leads to, and the dispatch time which that row must have to be the one meant.
pub(super) fn row_of(id: BatchId) -> Option<(i64, i64)> {
    let (seq, created_at) = id.parts()?;
    Some((i64::try_from(seq).ok()?, created_at))
}

impl Opened {
    fn number(&self, place: BatchPlace) -> i64 {
        match place {
            BatchPlace::New(index) => self.first + index as i64,
            BatchPlace::Stored(id) => self.stored[&id],
        }
    }

    /// Whether the job of this index is called back.
    pub(super) fn calls(&self, index: usize) -> bool {
        matches!(self.places.get(index), Some(Some((_, Part::Callback(_)))))
    }

    /// Lets the job of this index, which is being stored, take its place: its batch and its part in it.
    pub(super) fn admit(&mut self, index: usize) -> Option<(u64, Part)> {
        let (batch, part) = self.places.get(index).copied().flatten()?;
        let gain = self.gains.entry(batch as i64).or_default();
        *gain = (gain.0 + i64::from(part == Part::Member), gain.1 + 1);
        Some((batch, part))
    }
}

/// Stores the batches of a push whose jobs are stored, and lets go the callbacks of the empty ones.
pub(super) fn store(db: &Db, opened: &Opened, push: &Push, first_job: i64) -> rusqlite::Result<Vec<BatchId>> {
    if push.batches.is_empty() && opened.gains.is_empty() {
        // Not even a statement is prepared, since before that all new rows are written.
        return Ok(Vec::new());
    }
    let now = millis(push.now);
    for (seq, batch) in (opened.first..).zip(&push.batches) {
        insert(db, seq, batch, batch.parent.map(|parent| opened.number(parent)), first_job, now)?;
    }
    let mut gain = db.prepare("UPDATE jobwork_batches SET total = total + ?2, kept = kept + ?3 WHERE seq = ?1")?;
    for (seq, (members, rows)) in &opened.gains {
        gain.execute([seq, members, rows])?;
    }
    // The inner ones first: an outer one may hold nothing but empty ones.
    let end = opened.first + push.batches.len() as i64;
    for seq in (opened.first..end).rev() {
        count(db, seq, Standing::default(), Standing::default(), "", now)?;
    }
    Ok((opened.first..end).map(|seq| batch_id(seq, now)).collect())
}

fn insert(db: &Db, seq: i64, new: &NewBatch, parent: Option<i64>, first_job: i64, now: i64) -> rusqlite::Result<()> {
    let job = |index: Option<usize>| index.map(|index| first_job + index as i64);
    db.execute(
        "INSERT INTO jobwork_batches (seq, created_at, description, parent, on_complete, on_success, on_death)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![seq, now, new.description, parent, job(new.on_complete), job(new.on_success), job(new.on_death)],
    )?;
    Ok(())
}

/// Has the batch of a job count what became of it. To be called after every change that may end it or bring it back.
pub(super) fn follow(db: &Db, seq: i64, at: i64) -> rusqlite::Result<()> {
    let Some(member) = member(db, seq)? else { return Ok(()) };
    let after = member.standing.after(member.state, member.attempt);
    if after == member.standing {
        return Ok(());
    }
    db.execute("UPDATE jobwork_details SET standing = ?2 WHERE job = ?1", params![seq, after.bits()])?;
    let why = member.reason.map(|why| format!(": {why}")).unwrap_or_default();
    let why = format!("batch member {} was {}{why}", job_id(seq, member.created_at), member.state);
    count(db, member.batch, member.standing, after, &why, at)
}

/// Has the batch of a job that is about to be deleted count it for the last time.
pub(super) fn forget(db: &Db, seq: i64, at: i64) -> rusqlite::Result<()> {
    if let Some(member) = member(db, seq)? {
        let why = format!("batch member {} was deleted", job_id(seq, member.created_at));
        count(db, member.batch, member.standing, member.standing.deleted(), &why, at)?;
    }
    let batch = "SELECT batch FROM jobwork_details WHERE job = ?1";
    let mut next: Option<i64> = db.prepare(batch)?.query_row([seq], |row| row.get(0)).optional()?.flatten();
    // With the last row that names it a batch is forgotten, and may be the last that named its parent.
    while let Some(batch) = next.take() {
        let kept = "UPDATE jobwork_batches SET kept = kept - 1 WHERE seq = ?1 RETURNING kept, parent";
        let row: Option<(i64, Option<i64>)> =
            db.prepare(kept)?.query_row([batch], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((0, parent)) = row {
            db.execute("DELETE FROM jobwork_batches WHERE seq = ?1", [batch])?;
            next = parent;
        }
    }
    Ok(())
}

struct Member {
    batch: i64,
    standing: Standing,
    state: JobState,
    attempt: u32,
    created_at: i64,
    reason: Option<String>,
}

fn member(db: &Db, seq: i64) -> rusqlite::Result<Option<Member>> {
    db.prepare(
        "SELECT d.batch, d.standing, j.state, j.attempt, j.created_at, j.reason
         FROM jobwork_details d JOIN jobwork_jobs j ON j.seq = d.job WHERE d.job = ?1 AND d.standing IS NOT NULL",
    )?
    .query_row([seq], |row| {
        let (standing, state) = (Standing::from_bits(row.get(1)?), job_state(row.get(2)?, 0, 0));
        let (attempt, created_at, reason) = (row.get(3)?, row.get(4)?, row.get(5)?);
        Ok(Member { batch: row.get(0)?, standing, state, attempt, created_at, reason })
    })
    .optional()
}

/// The columns of [`read`], in its order.
const BATCH: &str =
    "SELECT b.seq, b.created_at, b.description, b.parent, b.standing, b.on_complete, b.on_success, b.on_death,
    b.total, b.ran, b.ended, b.succeeded, b.dead, b.cancelled, b.completed_at, b.succeeded_at, b.died_at, b.finished_at,
    (SELECT created_at FROM jobwork_batches WHERE seq = b.parent) FROM jobwork_batches b";

/// A row of `jobwork_batches`.
struct Found {
    created_at: i64,
    description: String,
    parent: Option<i64>,
    parent_created_at: Option<i64>,
    standing: Standing,
    on_complete: Option<i64>,
    on_success: Option<i64>,
    on_death: Option<i64>,
    tally: Tally,
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Found)> {
    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let when = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(time));
    let tally = Tally {
        total: count(8)?,
        ran: count(9)?,
        ended: count(10)?,
        succeeded: count(11)?,
        dead: count(12)?,
        cancelled: count(13)?,
        completed_at: when(14)?,
        succeeded_at: when(15)?,
        died_at: when(16)?,
        finished_at: when(17)?,
    };
    let found = Found {
        created_at: row.get(1)?,
        description: row.get(2)?,
        parent: row.get(3)?,
        parent_created_at: row.get(18)?,
        standing: Standing::from_bits(row.get(4)?),
        on_complete: row.get(5)?,
        on_success: row.get(6)?,
        on_death: row.get(7)?,
        tally,
    };
    Ok((row.get(0)?, found))
}

/// Counts what became of one member, and so on up, as far as the batches are members themselves.
fn count(db: &Db, batch: i64, before: Standing, after: Standing, why: &str, at: i64) -> rusqlite::Result<()> {
    let mut next = Some((batch, before, after));
    while let Some((batch, before, after)) = next.take() {
        let sql = format!("{BATCH} WHERE b.seq = ?1");
        let Some((_, mut found)) = db.prepare(&sql)?.query_row([batch], read).optional()? else { return Ok(()) };
        let turn = found.tally.change(before, after, time(at));
        let (before, after) = (found.standing, found.tally.standing());
        write(db, batch, after, &found.tally)?;
        call_back(db, batch, &found, turn, why, at)?;
        // A parent has the lower number, unless somebody else wrote it: a ring would be gone round for ever.
        let parent = found.parent.filter(|parent| before != after && *parent < batch);
        next = parent.map(|parent| (parent, before, after));
    }
    Ok(())
}

fn write(db: &Db, batch: i64, standing: Standing, tally: &Tally) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE jobwork_batches SET standing = ?2, ran = ?3, ended = ?4, succeeded = ?5, dead = ?6, cancelled = ?7,
         completed_at = ?8, succeeded_at = ?9, died_at = ?10, finished_at = ?11 WHERE seq = ?1",
        params![
            batch,
            standing.bits(),
            tally.ran as i64,
            tally.ended as i64,
            tally.succeeded as i64,
            tally.dead as i64,
            tally.cancelled as i64,
            tally.completed_at.map(millis),
            tally.succeeded_at.map(millis),
            tally.died_at.map(millis),
            tally.finished_at.map(millis),
        ],
    )?;
    Ok(())
}

fn call_back(db: &Db, batch: i64, found: &Found, turn: Turn, why: &str, at: i64) -> rusqlite::Result<()> {
    if let Some(callback) = found.on_success.filter(|_| turn.spoiled) {
        spoil(db, batch, callback, why, at)?;
    }
    if let Some(callback) = found.on_success.filter(|_| turn.mended) {
        mend(db, batch, callback, at)?;
    }
    if turn.complete {
        db.wake(Topic::Settled);
    }
    for (happened, callback) in
        [(turn.complete, found.on_complete), (turn.success, found.on_success), (turn.death, found.on_death)]
    {
        if let Some(callback) = callback.filter(|_| happened) {
            let_go(db, callback, at)?;
        }
    }
    if let Some(callback) = found.on_death.filter(|_| turn.spared) {
        spoil(db, batch, callback, NOBODY_DIED, at)?;
    }
    Ok(())
}

/// One thing that a callback waited for has happened.
fn let_go(db: &Db, callback: i64, at: i64) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE jobwork_jobs SET waits = waits - 1, state = iif(state = 0 AND waits = 1, 1, state),
         run_at = iif(state = 0 AND waits = 1, max(run_at, ?2), run_at) WHERE seq = ?1",
        [callback, at],
    )?;
    ready::enter(db, callback)?;
    db.wake(Topic::Ready);
    Ok(())
}

/// What stands in the column `cause` of a job that a batch cancelled; jobs have positive numbers.
fn cause(batch: i64) -> i64 {
    -batch
}

/// A callback that waits for what can't happen any more is cancelled.
fn spoil(db: &Db, batch: i64, callback: i64, why: &str, at: i64) -> rusqlite::Result<()> {
    let waiting = "SELECT created_at FROM jobwork_jobs WHERE seq = ?1 AND state = 0";
    let waiting = db.prepare(waiting)?.query_row([callback], |row| row.get(0)).optional()?;
    let Some(created_at) = waiting else { return Ok(()) };
    waiters::set_cause(db, callback, Some(cause(batch)))?;
    end(db, callback, state::CANCELLED, Some(why), at)?;
    let why = format!("chain member {} was cancelled: {why}", job_id(callback, created_at));
    waiters::cancel(db, callback, &why, at)
}

/// The success callback of a batch that can succeed again is brought back.
fn mend(db: &Db, batch: i64, callback: i64, at: i64) -> rusqlite::Result<()> {
    let cancelled = "SELECT 1 FROM jobwork_jobs j JOIN jobwork_details d ON d.job = j.seq
        WHERE j.seq = ?1 AND j.state = 4 AND d.cause = ?2";
    if db.prepare(cancelled)?.exists([callback, cause(batch)])? {
        waiters::revive_unless_taken(db, callback, at)?;
        waiters::revive_below(db, callback, at)?;
    }
    Ok(())
}

/// Whether a job waits for what can't happen in its batch any more: success, or a death.
pub(super) fn is_spoiled(db: &Db, seq: i64) -> rusqlite::Result<bool> {
    db.prepare(
        "SELECT 1 FROM jobwork_details d JOIN jobwork_batches b ON b.seq = d.batch
         WHERE d.job = ?1 AND (b.on_success = ?1 AND b.succeeded_at IS NULL AND b.cancelled > 0
            OR b.on_death = ?1 AND b.succeeded_at IS NOT NULL AND b.died_at IS NULL)",
    )?
    .exists([seq])
}

/// Whether a waiting job waits for the success of a batch with a dead member.
pub(super) fn blocks(connection: &Connection, seq: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM jobwork_details d JOIN jobwork_batches b ON b.seq = d.batch
             WHERE d.job = ?1 AND b.on_success = ?1 AND b.succeeded_at IS NULL AND b.dead > 0",
        )?
        .exists([seq])
}

pub(super) fn get(connection: &Connection, id: BatchId) -> rusqlite::Result<Option<BatchRecord>> {
    let Some(row) = row_of(id) else { return Ok(None) };
    let mut statement = connection.prepare_cached(&format!("{BATCH} WHERE b.seq = ?1 AND b.created_at = ?2"))?;
    statement.query_row(row, record).optional()
}

pub(super) fn list(connection: &Connection, filter: &BatchFilter) -> rusqlite::Result<Vec<BatchRecord>> {
    let before = match filter.before {
        None => i64::MAX,
        // An id that no store of this kind gave out comes before everything.
        Some(id) => row_of(id).map_or(0, |(seq, _)| seq),
    };
    let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let parent = filter.parent.map(|parent| row_of(parent).unwrap_or_default());
    let (test, params): (&str, Vec<&dyn ToSql>) = match &parent {
        None => ("", vec![&before, &limit]),
        Some((seq, created_at)) => (
            "AND b.parent = ?3 AND EXISTS (SELECT 1 FROM jobwork_batches WHERE seq = ?3 AND created_at = ?4)",
            vec![&before, &limit, seq, created_at],
        ),
    };
    let sql = format!("{BATCH} WHERE b.seq < ?1 {test} ORDER BY b.seq DESC LIMIT ?2");
    all_sound(connection.prepare_cached(&sql)?.query(&*params)?, "a batch", record)
}

fn record(row: &Row<'_>) -> rusqlite::Result<BatchRecord> {
    let (seq, found) = read(row)?;
    let id = batch_id(seq, found.created_at);
    let mut record = BatchRecord::new(id, found.description, time(found.created_at));
    record.parent = found.parent.zip(found.parent_created_at).map(|(seq, created_at)| batch_id(seq, created_at));
    // A batch and its callbacks are dispatched in one push, so they share its time.
    let job = |seq: i64| job_id(seq, found.created_at);
    record.on_complete = found.on_complete.map(job);
    record.on_success = found.on_success.map(job);
    record.on_death = found.on_death.map(job);
    found.tally.report(&mut record);
    Ok(record)
}
