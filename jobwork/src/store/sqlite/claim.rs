//! Finding jobs that are due, without looking at those that aren't.
//!
//! The index of ready jobs is sorted by queue, priority, due time and order of dispatch. A claim skips from one queue
//! and priority that has jobs to the next, so its cost doesn't grow with the number of jobs that are scheduled or final.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use rusqlite::{OptionalExtension, Row, Statement, params};

use super::db::Db;
use super::flow::{Flow, HELD_AT_MOST};
use super::rows::{self, flag, millis, time};
use super::{beat, claims, expire, gates, notes, unique};
use crate::job::Claimed;
use crate::store::{Batch, Claim};

/// A claim ends at most so many expired jobs that lie in its way; the next one goes on.
const EXPIRED_AT_MOST: usize = 500;

/// What a scan of the index found.
#[derive(Default)]
struct Found {
    due: Vec<i64>,
    expired: Vec<i64>,
    next_due: Option<i64>,
}

/// The answer if there is nothing to hand out: an idle worker must not make the file change.
pub(super) fn look(db: &Db, claim: &Claim) -> rusqlite::Result<Option<Batch>> {
    if claim.limit == 0 || beat::key(db, claim.worker)?.is_none() {
        return Ok(Some(Batch::default()));
    }
    let flow = Flow::load(db, claim.now)?;
    if let Some(until) = flow.everything_paused() {
        return Ok(Some(Batch { jobs: Vec::new(), next_due: until }));
    }
    if gates::any_due(db, claim)? {
        return Ok(None);
    }
    let found = scan(db, claim, 1, &flow, &[])?;
    let next_due = found.next_due.into_iter().chain(flow.next_look(db, claim)?).min();
    let nothing = found.due.is_empty() && found.expired.is_empty();
    Ok(nothing.then(|| Batch { jobs: Vec::new(), next_due: next_due.map(time) }))
}

/// Hands out jobs.
pub(super) fn claim(db: &Db, claim: &Claim) -> rusqlite::Result<Batch> {
    let Some(key) = beat::key(db, claim.worker)? else { return Ok(Batch::default()) };
    let flow = Flow::load(db, claim.now)?;
    if let Some(until) = flow.everything_paused() {
        return Ok(Batch { jobs: Vec::new(), next_due: until });
    }
    gates::release(db, &flow, claim)?;
    let (jobs, next_due) = start_due(db, claim, key, &flow)?;
    flow.settle(db)?;
    let looks = if jobs.len() < claim.limit { flow.next_look(db, claim)? } else { None };
    Ok(Batch { jobs, next_due: next_due.into_iter().chain(looks).min().map(time) })
}

/// Starts due jobs, and looks for others in the place of those that turn out to be held.
fn start_due(db: &Db, claim: &Claim, key: i64, flow: &Flow) -> rusqlite::Result<(Vec<Claimed>, Option<i64>)> {
    let (mut jobs, mut held) = (Vec::new(), 0);
    loop {
        let missing = claim.limit - jobs.len();
        // Where many are held, many are looked at together.
        let found = scan(db, claim, missing.max(held.min(100)), flow, &jobs)?;
        found.expired.iter().try_for_each(|seq| expire::end_expired(db, *seq, millis(claim.now)))?;
        let (before, started) = (held, jobs.len());
        let mut read = db.prepare(&READ)?;
        for seq in found.due {
            if jobs.len() < claim.limit {
                match take(db, &mut read, claim, flow, seq)? {
                    Some(job) => jobs.push(job),
                    None => held += 1,
                }
            }
        }
        drop(read);
        start(db, key, &mut jobs[started..], claim)?;
        if held == before || jobs.len() == claim.limit {
            return Ok((jobs, found.next_due));
        }
        if held >= HELD_AT_MOST {
            return Ok((jobs, Some(millis(claim.now))));
        }
    }
}

/// A job that is ready, as it is handed out.
static READ: LazyLock<String> = LazyLock::new(|| format!("SELECT {} FROM jobwork_jobs WHERE seq = ?1", rows::CLAIMED));

/// What few jobs have of that.
static READ_REST: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM jobwork_jobs WHERE seq = ?1", rows::CLAIMED_REST));

/// Reads a job that the worker is to have, unless it is held.
fn take(db: &Db, read: &mut Statement<'_>, claim: &Claim, flow: &Flow, seq: i64) -> rusqlite::Result<Option<Claimed>> {
    let due = read.query_row([seq], |row| rows::claimed(row, seq, claim.worker))?;
    let rows::Due { mut job, flags, has_rest } = due;
    let candidate = has_rest && db.prepare(&READ_REST)?.query_row([seq], |row| rows::claimed_rest(row, &mut job))?;
    let limited = flow.is_close() || candidate || flags & flag::LIMITED != 0;
    if limited && !flow.admit(db, seq)? {
        return Ok(None);
    }
    unique::started(db, seq, flags)?;
    job.checkpoint = notes::checkpoint(db, job.lease.job, flags)?;
    Ok(Some(job))
}

/// Hands the jobs to the worker. They were read before: a statement that reads and writes takes longer than the two.
fn start(db: &Db, worker: i64, jobs: &mut [Claimed], claim: &Claim) -> rusqlite::Result<()> {
    let seqs: Vec<i64> = jobs.iter().filter_map(|job| rows::row_of(job.lease.job)).map(|(seq, _)| seq).collect();
    if seqs.is_empty() {
        return Ok(());
    }
    let number = claims::start(db, worker, &seqs, millis(claim.now))?.unsigned_abs();
    jobs.iter_mut().for_each(|job| job.lease.claim = number);
    Ok(())
}

/// The most urgent due jobs that the worker can perform, at most `limit`; if there are fewer, when the next is due.
/// The claim has these jobs already.
fn scan(db: &Db, claim: &Claim, limit: usize, flow: &Flow, jobs: &[Claimed]) -> rusqlite::Result<Found> {
    let names: Names<'_> = claim.names.iter().map(|served| (served.name.as_str(), served.version)).collect();
    let now = millis(claim.now);
    let mut found = Found::default();
    for queue in queues(db, claim)?.iter() {
        let (free, wake) = flow.queue_room(db, queue)?;
        if free == 0 {
            found.next_due = found.next_due.into_iter().chain(wake).min();
            continue;
        }
        let taken = jobs.iter().filter(|job| job.queue == *queue).count();
        let free = free.min(claim.room(queue, usize::MAX).saturating_sub(taken));
        let room = free.min(limit - found.due.len());
        let due = find_due(db, claim, queue, &names, room, &mut found.expired)?;
        let full = due.len() == room;
        found.due.extend(due);
        if found.due.len() >= limit {
            return Ok(Found { next_due: None, ..found });
        }
        if found.expired.len() == EXPIRED_AT_MOST {
            break;
        }
        if !full {
            let next = next_due(db, queue, now, &names)?;
            found.next_due = found.next_due.into_iter().chain(next).min();
        }
    }
    // Behind jobs that expired there may be more, and their end may make others ready.
    found.next_due = if found.expired.is_empty() { found.next_due } else { Some(now) };
    Ok(found)
}

/// The due jobs of a queue that the worker can perform, at most `room`, the most urgent first.
fn find_due(
    db: &Db,
    claim: &Claim,
    queue: &str,
    names: &Names<'_>,
    room: usize,
    expired: &mut Vec<i64>,
) -> rusqlite::Result<Vec<i64>> {
    let (mut due, mut below) = (Vec::new(), i64::MAX);
    // Where jobs age, every level may have the most urgent; a level's own order is theirs in any case.
    while (claim.ageing.is_some() && room > 0) || due.len() < room {
        let Some(priority) = next_priority(db, queue, below)? else { break };
        below = priority;
        let wanted = if claim.ageing.is_some() { room } else { room - due.len() };
        let level = take_due(db, (queue, priority, millis(claim.now)), names, wanted, expired)?;
        let urgency = |(seq, run_at): (i64, i64)| {
            (claim.urgency(i32::try_from(priority).unwrap_or(i32::MAX), run_at, seq.unsigned_abs()), seq)
        };
        due.extend(level.into_iter().map(urgency));
    }
    if claim.ageing.is_some() {
        due.sort_unstable();
        due.truncate(room);
    }
    Ok(due.into_iter().map(|(_, seq)| seq).collect())
}

/// The queues to look at, in order. A worker that serves all begins at another one each time.
fn queues<'a>(db: &Db, claim: &'a Claim) -> rusqlite::Result<Cow<'a, [String]>> {
    if let Some(queues) = claim.queues.as_deref() {
        return Ok(Cow::Borrowed(queues));
    }
    let mut next =
        db.prepare("SELECT queue FROM jobwork_jobs WHERE state = 1 AND queue > ?1 ORDER BY queue LIMIT 1")?;
    let mut queues: Vec<String> = Vec::new();
    // The empty name is a name too, but not greater than itself.
    let mut first = db.prepare("SELECT queue FROM jobwork_jobs WHERE state = 1 ORDER BY queue LIMIT 1")?;
    let mut queue: Option<String> = first.query_row([], |row| row.get(0)).optional()?;
    while let Some(name) = queue {
        queue = next.query_row([&name], |row| row.get(0)).optional()?;
        queues.push(name);
    }
    if !queues.is_empty() {
        let turn = db.turn.get();
        db.turn.set(turn.wrapping_add(1));
        let middle = turn % queues.len();
        queues.rotate_left(middle);
    }
    Ok(Cow::Owned(queues))
}

fn next_priority(db: &Db, queue: &str, below: i64) -> rusqlite::Result<Option<i64>> {
    db.prepare(
        "SELECT priority FROM jobwork_jobs WHERE state = 1 AND queue = ?1 AND priority < ?2
         ORDER BY priority DESC LIMIT 1",
    )?
    .query_row(params![queue, below], |row| row.get(0))
    .optional()
}

/// The names that a worker serves, each with the newest version that it understands.
type Names<'a> = HashMap<&'a str, u32>;

/// Whether a row whose second and third column are name and version is for this worker.
fn is_served(names: &Names<'_>, row: &Row<'_>) -> rusqlite::Result<bool> {
    let newest = names.get(row.get_ref(1)?.as_str()?);
    Ok(newest.is_some_and(|newest| row.get::<_, u32>(2).is_ok_and(|version| version <= *newest)))
}

/// One queue and priority, and the time it is.
type Level<'a> = (&'a str, i64, i64);

/// The due jobs of one queue and priority, the longest due first.
pub(super) const DUE: &str = "SELECT seq, name, version, run_at, expires_at FROM jobwork_jobs
    WHERE state = 1 AND queue = ?1 AND priority = ?2 AND run_at <= ?3 ORDER BY run_at, seq";

/// The number and due time of the longest due jobs of a level; those that have expired go where such are gathered.
fn take_due(
    db: &Db,
    level: Level<'_>,
    names: &Names<'_>,
    wanted: usize,
    expired: &mut Vec<i64>,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut statement = db.prepare(DUE)?;
    let mut rows = statement.query(level)?;
    let mut due = Vec::new();
    while due.len() < wanted && expired.len() < EXPIRED_AT_MOST {
        let Some(row) = rows.next()? else { break };
        if !is_served(names, row)? {
            continue;
        }
        if row.get::<_, Option<i64>>(4)?.is_some_and(|time| time <= level.2) {
            expired.push(row.get(0)?);
        } else {
            due.push((row.get(0)?, row.get(3)?));
        }
    }
    Ok(due)
}

/// When the first job of the queue that is due later, and for this worker, falls due.
fn next_due(db: &Db, queue: &str, now: i64, names: &Names<'_>) -> rusqlite::Result<Option<i64>> {
    let (mut first, mut below) = (None, i64::MAX);
    while let Some(priority) = next_priority(db, queue, below)? {
        below = priority;
        let next = next_due_of(db, (queue, priority, now), names)?;
        first = first.into_iter().chain(next).min();
    }
    Ok(first)
}

fn next_due_of(db: &Db, level: Level<'_>, names: &Names<'_>) -> rusqlite::Result<Option<i64>> {
    let mut statement = db.prepare(
        "SELECT run_at, name, version FROM jobwork_jobs WHERE state = 1 AND queue = ?1 AND priority = ?2 AND run_at > ?3
         ORDER BY run_at",
    )?;
    let mut rows = statement.query(level)?;
    while let Some(row) = rows.next()? {
        if is_served(names, row)? {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}
