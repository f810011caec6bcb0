//! Finding jobs that are due, without looking at those that aren't.
//!
//! The line of ready jobs is sorted by queue, priority, due time and order of dispatch. A claim skips from one queue
//! and priority that has jobs to the next, so its cost doesn't grow with the number of jobs that are scheduled or final.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};

use super::db::Db;
use super::flow::Flow;
use super::ready::{Level, Place};
use super::rows::millis;
use super::unreadable::{Raw, sound};
use crate::job::Claimed;
use crate::store::Claim;

/// A claim ends at most so many expired jobs that lie in its way; the next one goes on.
const EXPIRED_AT_MOST: usize = 500;

/// What a scan of the line found.
#[derive(Default)]
pub(super) struct Found {
    /// The queues that were looked at.
    pub(super) queues: Vec<String>,
    pub(super) due: Vec<Place>,
    pub(super) expired: Vec<Place>,
    pub(super) next_due: Option<i64>,
}

/// The most urgent due jobs that the worker can perform, at most `limit`; if there are fewer, when the next is due.
/// The claim has these jobs already.
pub(super) fn scan(db: &Db, claim: &Claim, limit: usize, flow: &Flow, jobs: &[Claimed]) -> rusqlite::Result<Found> {
    let names = Names::of(claim);
    let now = millis(claim.now);
    let mut found = Found { queues: queues(db, claim)?, ..Found::default() };
    for index in 0..found.queues.len() {
        let queue = found.queues[index].clone();
        let (free, wake) = flow.queue_room(db, &queue)?;
        if free == 0 {
            found.next_due = found.next_due.into_iter().chain(wake).min();
            continue;
        }
        let taken = jobs.iter().filter(|job| job.queue == queue).count();
        let free = free.min(claim.room(&queue, usize::MAX).saturating_sub(taken));
        let room = free.min(limit - found.due.len());
        let full = find_due(db, claim, (index, &queue), &names, room, &mut found)?;
        if found.due.len() >= limit {
            return Ok(Found { next_due: None, ..found });
        }
        if found.expired.len() == EXPIRED_AT_MOST {
            break;
        }
        if !full {
            let next = next_due(db, &queue, now, &names)?;
            found.next_due = found.next_due.into_iter().chain(next).min();
        }
    }
    // Behind jobs that expired there may be more, and their end may make others ready.
    found.next_due = if found.expired.is_empty() { found.next_due } else { Some(now) };
    Ok(found)
}

/// Finds the due jobs of a queue that the worker can perform, at most `room`, the most urgent first; says whether there were so
/// many.
fn find_due(
    db: &Db,
    claim: &Claim,
    (index, queue): (usize, &str),
    names: &Names<'_>,
    room: usize,
    found: &mut Found,
) -> rusqlite::Result<bool> {
    let (first, mut below) = (found.due.len(), i64::MAX);
    // Where jobs age, every level may have the most urgent; a level's own order is theirs in any case.
    while (claim.ageing.is_some() && room > 0) || found.due.len() - first < room {
        let Some(priority) = next_priority(db, queue, below)? else { break };
        below = priority;
        let wanted = if claim.ageing.is_some() { room } else { room - (found.due.len() - first) };
        take_due(db, (queue, priority, millis(claim.now)), (index, priority), names, wanted, found)?;
    }
    if claim.ageing.is_some() {
        let urgency = |place: &Place| {
            let priority = i32::try_from(place.level.1).unwrap_or(i32::MAX);
            claim.urgency(priority, place.run_at, place.seq.unsigned_abs())
        };
        found.due[first..].sort_by_cached_key(urgency);
        found.due.truncate(first + room);
    }
    Ok(found.due.len() - first == room)
}

/// The queues to look at, in order. A worker that serves all begins at another one each time.
fn queues(db: &Db, claim: &Claim) -> rusqlite::Result<Vec<String>> {
    if let Some(queues) = &claim.queues {
        return Ok(queues.to_vec());
    }
    let mut next = db.peek("SELECT queue FROM jobwork_ready WHERE queue > ?1 ORDER BY queue LIMIT 1")?;
    let mut queues: Vec<String> = Vec::new();
    // The empty name is a name too, but not greater than itself.
    let mut first = db.peek("SELECT queue FROM jobwork_ready ORDER BY queue LIMIT 1")?;
    let mut queue: Option<Raw> = first.query_row([], |row| row.get(0)).optional()?;
    while let Some(name) = queue {
        queue = next.query_row([&name], |row| row.get(0)).optional()?;
        queues.extend(name.text().map(str::to_owned));
    }
    if !queues.is_empty() {
        let first = db.first_queue.get();
        db.first_queue.set(first.wrapping_add(1));
        let first = first % queues.len();
        queues.rotate_left(first);
    }
    Ok(queues)
}

fn next_priority(db: &Db, queue: &str, below: i64) -> rusqlite::Result<Option<i64>> {
    // Where a fraction stands, no job of ours does.
    let next = "SELECT priority FROM jobwork_ready
        WHERE queue = ?1 AND priority < ?2 AND typeof(priority) = 'integer' ORDER BY priority DESC LIMIT 1";
    db.peek(next)?.query_row(params![queue, below], |row| row.get(0)).optional()
}

/// The names that a worker serves, each with the newest version that it understands.
pub(super) struct Names<'a>(HashMap<&'a str, u32>);

impl<'a> Names<'a> {
    /// Those of the worker that makes a claim.
    pub(super) fn of(claim: &'a Claim) -> Self {
        Self(claim.names.iter().map(|served| (served.name.as_str(), served.version)).collect())
    }

    /// Whether a job is for this worker.
    pub(super) fn serve(&self, name: &str, version: u32) -> bool {
        self.0.get(name).is_some_and(|newest| version <= *newest)
    }

    /// Whether a row whose second and third column are name and version is.
    fn serve_row(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let name = row.get_ref(1)?.as_str()?;
        Ok(row.get(2).is_ok_and(|version| self.serve(name, version)))
    }
}

/// The due jobs of one queue and priority, the longest due first.
pub(super) const DUE: &str = "SELECT seq, name, version, run_at, expires_at FROM jobwork_ready
    WHERE queue = ?1 AND priority = ?2 AND run_at <= ?3 ORDER BY run_at, seq";

/// Finds the longest due jobs of a level; those that have expired go where such are gathered.
fn take_due(
    db: &Db,
    until: (&str, i64, i64),
    level: Level,
    names: &Names<'_>,
    wanted: usize,
    found: &mut Found,
) -> rusqlite::Result<()> {
    let mut statement = db.peek(DUE)?;
    let (mut rows, most) = (statement.query(until)?, found.due.len() + wanted);
    let mut number = 0;
    while found.due.len() < most && found.expired.len() < EXPIRED_AT_MOST {
        let Some(row) = rows.next()? else { break };
        number += 1;
        let Some((seq, run_at, expires_at)) = sound(served(row, names), IN_LINE)?.flatten() else { continue };
        let place = Place { level, number, run_at, seq, expires: expires_at.is_some() };
        let expired = expires_at.is_some_and(|time| time <= until.2);
        if expired { &mut found.expired } else { &mut found.due }.push(place);
    }
    Ok(())
}

/// What is passed by if it can't be read.
const IN_LINE: &str = "a place in the line of ready jobs";

/// The number of a row of [`DUE`], when it is due and when it expires; `None` where another worker serves it.
fn served(row: &Row<'_>, names: &Names<'_>) -> rusqlite::Result<Option<(i64, i64, Option<i64>)>> {
    if names.serve_row(row)? { Ok(Some((row.get(0)?, row.get(3)?, row.get(4)?))) } else { Ok(None) }
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

fn next_due_of(db: &Db, level: (&str, i64, i64), names: &Names<'_>) -> rusqlite::Result<Option<i64>> {
    let mut statement = db.peek(
        "SELECT run_at, name, version FROM jobwork_ready WHERE queue = ?1 AND priority = ?2 AND run_at > ?3
         ORDER BY run_at",
    )?;
    let mut rows = statement.query(level)?;
    while let Some(row) = rows.next()? {
        let due = || if names.serve_row(row)? { row.get(0).map(Some) } else { Ok(None) };
        if let Some(due) = sound(due(), IN_LINE)?.flatten() {
            return Ok(Some(due));
        }
    }
    Ok(None)
}
