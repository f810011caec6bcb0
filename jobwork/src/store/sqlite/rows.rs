//! Between rows and the types of the domain.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use super::{batches, notes};
use crate::job::{BatchId, Claimed, JobId, JobState, Lease, Member, Record, WorkerId};
use crate::store::limits::told;

/// The numbers that stand for states in the file. Scheduled is ready with a later `run_at`, so that a job falls due
/// without anybody writing. A running job's row says that it is ready, since a claim does not write it.
pub(super) mod state {
    /// Ready, but held, as `jobwork_held` says: reported as ready.
    pub(in super::super) const HELD: i64 = -1;
    pub(in super::super) const WAITING: i64 = 0;
    pub(in super::super) const READY: i64 = 1;
    /// Only `jobwork_seen` says so, which finds that the job is not among the ready ones.
    pub(in super::super) const RUNNING: i64 = 2;
    pub(in super::super) const COMPLETED: i64 = 3;
    pub(in super::super) const CANCELLED: i64 = 4;
    pub(in super::super) const DISCARDED: i64 = 5;
    pub(in super::super) const DEAD: i64 = 6;
}

/// What is special about a job, as bits of one column: most jobs have nothing, and then nothing more is looked for when they
/// end.
pub(super) mod flag {
    /// Others wait for it.
    pub(in super::super) const AWAITED: i64 = 1;
    /// It was dispatched with a unique key.
    pub(in super::super) const KEYED: i64 = 2;
    /// It gives its unique key up when it starts.
    pub(in super::super) const KEY_UNTIL_STARTED: i64 = 4;
    /// It is in the order of a key.
    pub(in super::super) const ORDERED: i64 = 8;
    /// It has a part in a batch.
    pub(in super::super) const BATCHED: i64 = 16;
    /// It carries limits, or has slots of a queue's.
    pub(in super::super) const LIMITED: i64 = 32;
    /// It has said something about itself, which stands in tables of its own.
    pub(in super::super) const NOTED: i64 = 1 << 8;
    /// It is gone when it has completed. The query of records names the number.
    pub(in super::super) const FLEETING: i64 = 1 << 9;
    /// It has a row of details.
    pub(in super::super) const DETAILED: i64 = 1 << 10;
    /// It says itself how long it is kept.
    pub(in super::super) const RETAINED: i64 = 1 << 11;
    /// It has a time to expire.
    pub(in super::super) const EXPIRES: i64 = 1 << 12;
    /// An attempt of it may be in the history.
    pub(in super::super) const REMEMBERED: i64 = 1 << 13;
    /// It has been held.
    pub(in super::super) const HELD: i64 = 1 << 14;
}

/// The state of a row with this number and due time.
pub(super) fn job_state(number: i64, run_at: i64, now: i64) -> JobState {
    match number {
        state::WAITING => JobState::Waiting,
        state::READY if run_at > now => JobState::Scheduled,
        state::READY | state::HELD => JobState::Ready,
        state::RUNNING => JobState::Running,
        state::COMPLETED => JobState::Completed,
        state::CANCELLED => JobState::Cancelled,
        state::DISCARDED => JobState::Discarded,
        _ => JobState::Dead,
    }
}

/// A time as it is stored, in milliseconds; never before 1970, because ids can't be.
pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond().max(0)
}

/// A length of time as it is stored, in milliseconds.
pub(super) fn duration(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// A stored time; one that no calendar has is its end.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// The highest number of a row that has an id.
pub(super) const LAST: i64 = (1 << 62) - 1;

/// The id of a row. A number that was never given leads to no row.
pub(super) fn job_id(seq: i64, created_at: i64) -> JobId {
    JobId::derive(seq.clamp(0, LAST).unsigned_abs(), time(created_at))
}

/// The id of a batch's row.
pub(super) fn batch_id(seq: i64, created_at: i64) -> BatchId {
    BatchId::derive(seq.clamp(0, LAST).unsigned_abs(), time(created_at))
}

/// The row that an id leads to, and the dispatch time which that row must have to be the one meant.
pub(super) fn row_of(id: JobId) -> Option<(i64, i64)> {
    let (seq, created_at) = id.parts()?;
    Some((i64::try_from(seq).ok()?, created_at))
}

/// The columns of [`claimed`], in its order: those of a job that is ready, as they are once it is claimed.
pub(super) const CLAIMED: &str =
    "seq, created_at, name, queue, args, attempt + 1, priority, retries, rescues, run_at, version, flags";

/// A job as it is handed out, and what may stand in the way of that.
pub(super) struct Due {
    pub(super) job: Claimed,
    pub(super) seq: i64,
    pub(super) flags: i64,
}

/// A row of [`CLAIMED`] as the job that `worker` gets. Which claim that is isn't known yet.
pub(super) fn claimed(row: &Row<'_>, worker: WorkerId) -> rusqlite::Result<Due> {
    let (seq, created_at) = (row.get(0)?, row.get(1)?);
    if row_of(job_id(seq, created_at)) != Some((seq, created_at)) {
        return Err(malformed(0, format!("no job has the number {seq} and the time of dispatch {created_at}")));
    }
    let lease = Lease { job: job_id(seq, created_at), attempt: row.get(5)?, worker, claim: 0 };
    let mut job = Claimed::new(lease, row.get(2)?, row.get(3)?, row.get(4)?, time(created_at));
    job.priority = row.get(6)?;
    job.retries = row.get(7)?;
    job.rescues = row.get(8)?;
    job.run_at = time(row.get(9)?);
    job.version = row.get(10)?;
    Ok(Due { job, seq, flags: row.get(11)? })
}

/// The columns of [`claimed_details`], in its order.
pub(super) const CLAIMED_DETAILS: &str = "job, tags, chain, position, on_error, retry_until, batch, \
    CASE WHEN batch IS NOT NULL THEN (SELECT b.created_at FROM jobwork_batches b WHERE b.seq = batch) END";

/// Adds a row of [`CLAIMED_DETAILS`] to its job.
pub(super) fn claimed_details(row: &Row<'_>, job: &mut Claimed) -> rusqlite::Result<()> {
    job.tags = tags(row, 1)?;
    job.chain = member(row, 2, millis(job.created_at))?;
    job.retry_until = row.get::<_, Option<i64>>(5)?.map(time);
    job.batch = batch(row, 6)?;
    Ok(())
}

/// The start of a query whose rows [`record`] reads.
///
/// Which claim a job runs under is looked for only where it is seen to run.
pub(super) const RECORD: &str = "SELECT j.seq, j.created_at, j.name, j.queue, j.args, \
    j.attempt + (c.id IS NOT NULL), j.priority, j.retries, j.rescues, j.run_at, d.tags, d.chain, d.position, \
    d.on_error, iif(c.id IS NULL, j.state, 2), j.output, j.reason, coalesce(c.at, j.started_at), j.finished_at, \
    j.cancel, w.id, d.expires_at, d.retry_until, coalesce(d.retain, iif(j.flags & 512, 0, NULL)), j.version, \
    d.unique_key, d.ordered, d.batch, (SELECT b.created_at FROM jobwork_batches b WHERE b.seq = d.batch), \
    iif(j.state = -1, h.key, NULL), n.fraction AS fraction, n.message AS message, n.at AS said_at \
    FROM jobwork_seen j LEFT JOIN jobwork_details d ON d.job = j.seq \
    LEFT JOIN jobwork_claims c ON c.id = iif(j.seen = 2, \
        (SELECT k.id FROM jobwork_claims k WHERE k.first <= j.seq AND k.last >= j.seq AND k.id > j.claim \
            AND EXISTS (SELECT 1 FROM json_each(iif(json_valid(k.runs), k.runs, '[]')) \
                WHERE j.seq BETWEEN iif(type = 'array', value ->> 0, NULL) AND iif(type = 'array', value ->> 1, NULL))), NULL) \
    LEFT JOIN jobwork_workers w ON w.key = c.worker LEFT JOIN jobwork_held h ON h.job = j.seq \
    LEFT JOIN jobwork_notes n ON n.job = j.seq ";

/// A row of [`RECORD`]. Whether it is blocked is known only from other rows: see [`mark_blocked`].
pub(super) fn record(row: &Row<'_>, now: i64) -> rusqlite::Result<Record> {
    let (seq, created_at, run_at) = (row.get(0)?, row.get(1)?, row.get(9)?);
    let mut job = Record::new(job_id(seq, created_at), row.get(2)?, row.get(3)?, row.get(4)?, time(created_at));
    job.attempt = row.get(5)?;
    job.priority = row.get(6)?;
    job.retries = row.get(7)?;
    job.rescues = row.get(8)?;
    job.run_at = time(run_at);
    job.tags = tags(row, 10)?;
    job.chain = member(row, 11, created_at)?;
    job.state = job_state(row.get(14)?, run_at, now);
    job.output = row.get(15)?;
    job.reason = row.get(16)?;
    job.started_at = row.get::<_, Option<i64>>(17)?.map(time);
    job.finished_at = row.get::<_, Option<i64>>(18)?.map(time);
    job.cancel_requested = row.get(19)?;
    job.worker = worker(row, 20)?;
    job.expires_at = row.get::<_, Option<i64>>(21)?.map(time);
    job.retry_until = row.get::<_, Option<i64>>(22)?.map(time);
    job.retain = row.get::<_, Option<i64>>(23)?.map(|millis| Duration::from_millis(millis.unsigned_abs()));
    job.version = row.get(24)?;
    job.unique_key = row.get(25)?;
    job.ordered = row.get(26)?;
    job.batch = batch(row, 27)?;
    job.held_by = row.get::<_, Option<String>>(29)?.map(|key| told(&key));
    job.progress = notes::progress(row)?;
    Ok(job)
}

/// Marks a record that waits, directly or not, for a dead job.
pub(super) fn mark_blocked(connection: &Connection, record: &mut Record) -> rusqlite::Result<()> {
    if record.state == JobState::Waiting {
        let seq = row_of(record.id).map(|(seq, _)| seq);
        record.blocked = connection
            .prepare_cached(
                "WITH RECURSIVE above (seq) AS (
                    SELECT parent FROM jobwork_links WHERE child = ?1 AND done = 0
                    UNION SELECT l.parent FROM above JOIN jobwork_links l ON l.child = above.seq WHERE l.done = 0)
                 SELECT EXISTS (SELECT 1 FROM above JOIN jobwork_jobs j ON j.seq = above.seq WHERE j.state = 6)",
            )?
            .query_row([seq], |row| row.get(0))?;
        if let Some(seq) = seq.filter(|_| record.batch.is_some() && !record.blocked) {
            record.blocked = batches::blocks(connection, seq)?;
        }
    }
    Ok(())
}

fn worker(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<WorkerId>> {
    let id: Option<String> = row.get(column)?;
    id.map(|id| id.parse().map_err(|error| malformed(column, error))).transpose()
}

fn tags(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let tags: Option<String> = row.get(column)?;
    tags.map_or(Ok(Vec::new()), |tags| serde_json::from_str(&tags).map_err(|error| malformed(column, error)))
}

/// The two columns from `column` on: a batch's number, and when it was dispatched.
fn batch(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<BatchId>> {
    let (seq, created_at): (Option<i64>, Option<i64>) = (row.get(column)?, row.get(column + 1)?);
    Ok(seq.zip(created_at).map(|(seq, created_at)| batch_id(seq, created_at)))
}

/// The three columns from `column` on. The members of a chain are dispatched in one push, so they share its time.
fn member(row: &Row<'_>, column: usize, created_at: i64) -> rusqlite::Result<Option<Member>> {
    let Some(first) = row.get(column)? else { return Ok(None) };
    let chain = job_id(first, created_at);
    Ok(Some(Member { chain, position: row.get(column + 1)?, on_error: row.get(column + 2)? }))
}

/// A column whose text is not what we wrote there.
pub(super) fn malformed(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
