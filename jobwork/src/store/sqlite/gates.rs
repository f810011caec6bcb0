//! Jobs over a limit, and those of a paused name: held out of the line of ready jobs, so that they cost nothing to pass.
//!
//! A row of `jobwork_held` names the key that holds a job. Rows of one key, queue, name and version stand behind one gate, so
//! that those which a worker doesn't serve never stand in front of those which it does. A claim lets due gates' best jobs into
//! the line again, as many as the key has room for; there they are *candidates* until they leave: they keep their row,
//! and are counted, so that no more are let out than can start.
//!
//! The invariant: behind a gate with held rows, the gate is due, or due at a time at which its key has room, or its key
//! has no slot (and freeing one makes it due), or its name is paused (and the resume makes it due), or a candidate of it
//! is ready (and its claim, and its leaving in any other way, look at the gate again). So nobody is held for ever, and
//! nobody polls.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::flow::Flow;
use super::limits::{self, Wake};
use super::ready;
use super::rows::{flag, millis, state};
use super::unreadable::{Raw, all_sound, sound};
use crate::job::Limit;
use crate::store::{Claim, Topic};

/// What stands behind one gate of a key: a queue, a name and a version.
pub(super) type Kind = (String, String, u32);

/// So many gates of a kind are looked at in one claim; the next one goes on.
const GATES_AT_MOST: i64 = 256;

/// One of the keys held rows: a job may have room now.
pub(super) fn open(db: &Db, key: &str) -> rusqlite::Result<()> {
    if db.execute("UPDATE jobwork_gates SET wake_at = 0, look_at = 0 WHERE key = ?1", [key])? > 0 {
        db.wake(Topic::Ready);
    }
    Ok(())
}

/// A job that may be held or a candidate leaves its gate otherwise than by a claim: others may take its place.
pub(super) fn withdraw(db: &Db, seq: i64) -> rusqlite::Result<()> {
    if let Some(key) = key(db, seq)? {
        leave(db, seq)?;
        if db.execute("UPDATE jobwork_jobs SET state = 1 WHERE seq = ?1 AND state = -1", [seq])? > 0 {
            ready::enter(db, seq)?;
        }
        open(db, &key)?;
    }
    Ok(())
}

/// What holds a job, or did before it became a candidate.
pub(super) fn key(db: &Db, seq: i64) -> rusqlite::Result<Option<String>> {
    let key = "SELECT key FROM jobwork_held WHERE job = ?1";
    db.prepare(key)?.query_row([seq], |row| row.get(0)).optional()
}

/// A job is not behind its gate any more, nor a candidate.
pub(super) fn leave(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM jobwork_held WHERE job = ?1", [seq])?;
    Ok(())
}

/// Holds a ready job.
pub(super) fn hold(db: &Db, seq: i64, key: &str, kind: &Kind) -> rusqlite::Result<()> {
    ready::leave(db, seq)?;
    db.execute(
        "UPDATE jobwork_jobs SET state = ?2, flags = flags | ?3 WHERE seq = ?1",
        [seq, state::HELD, flag::HELD],
    )?;
    db.execute(
        "INSERT OR REPLACE INTO jobwork_held (job, key, queue, name, version, priority, run_at)
         SELECT seq, ?2, queue, name, version, priority, run_at FROM jobwork_jobs WHERE seq = ?1",
        params![seq, key],
    )?;
    let (queue, name, version) = kind;
    db.execute(
        "INSERT OR IGNORE INTO jobwork_gates (key, queue, name, version) VALUES (?1, ?2, ?3, ?4)",
        params![key, queue, name, version],
    )?;
    Ok(())
}

/// Whether a gate is due behind which are jobs for this worker.
pub(super) fn any_due(db: &Db, claim: &Claim) -> rusqlite::Result<bool> {
    Ok(next(db, claim)?.is_some_and(|(wake_at, _)| wake_at <= millis(claim.now)))
}

/// When the first gate with jobs for this worker is due, and when it is worth looking.
pub(super) fn next(db: &Db, claim: &Claim) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut first = None;
    for (queue, name, version) in kinds(db, claim)? {
        let next = db
            .peek(
                "SELECT wake_at, look_at FROM jobwork_gates
                 WHERE queue = ?1 AND name = ?2 AND version = ?3 AND wake_at IS NOT NULL AND typeof(wake_at) = 'integer'
                 ORDER BY wake_at LIMIT 1",
            )?
            .query_row(params![queue, name, version], |row| {
                let look_at = row.get(1).ok();
                Ok(row.get(0).ok().map(|wake_at| (wake_at, look_at.unwrap_or(wake_at))))
            })
            .optional()?
            .flatten();
        first = first.into_iter().chain(next).min();
    }
    Ok(first)
}

/// Lets the best held jobs for this worker out of due gates.
pub(super) fn release(db: &Db, flow: &Flow, claim: &Claim) -> rusqlite::Result<()> {
    for kind in kinds(db, claim)? {
        let (queue, name, version) = &kind;
        let mut due = db.prepare(
            "SELECT key FROM jobwork_gates WHERE queue = ?1 AND name = ?2 AND version = ?3 AND wake_at <= ?4
             ORDER BY wake_at LIMIT ?5",
        )?;
        let due = due.query(params![queue, name, version, millis(claim.now), GATES_AT_MOST])?;
        for key in all_sound::<String>(due, "a gate", |row| row.get(0))? {
            release_from(db, flow, &key, &kind, claim.limit)?;
            settle(db, flow, &key, &kind)?;
        }
    }
    Ok(())
}

/// The kinds of job behind gates that may open by themselves or are due, those for this worker only.
fn kinds(db: &Db, claim: &Claim) -> rusqlite::Result<Vec<Kind>> {
    let mut next = db.peek(
        "SELECT queue, name, version FROM jobwork_gates
         WHERE wake_at IS NOT NULL AND (queue, name, version) > (?1, ?2, ?3) ORDER BY queue, name, version LIMIT 1",
    )?;
    let mut kinds = Vec::new();
    // Before every kind: no version is negative.
    let mut last = [Raw::Text(Vec::new()), Raw::Text(Vec::new()), Raw::Other((-1_i64).into())];
    loop {
        let found =
            next.query_row(params![last[0], last[1], last[2]], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]));
        let Some(found) = found.optional()? else { return Ok(kinds) };
        kinds.extend(kind(&found).filter(|kind| serves(claim, kind)));
        last = found;
    }
}

fn kind([queue, name, version]: &[Raw; 3]) -> Option<Kind> {
    let version = version.number().and_then(|version| u32::try_from(version).ok());
    Some((queue.text()?.to_owned(), name.text()?.to_owned(), version?))
}

fn serves(claim: &Claim, (queue, name, version): &Kind) -> bool {
    let served = |served: &crate::store::Served| served.name == *name && *version <= served.version;
    claim.queues.as_ref().is_none_or(|queues| queues.contains(queue)) && claim.names.iter().any(served)
}

const BEHIND: &str = "FROM jobwork_held WHERE key = ?1 AND queue = ?2 AND name = ?3 AND version = ?4";

fn release_from(db: &Db, flow: &Flow, key: &str, kind: &Kind, most: usize) -> rusqlite::Result<()> {
    let Some(limits) = first_held(db, key, kind)? else { return Ok(()) };
    let room = flow.room(db, key, kind, &limits)?.min(most);
    let room = room.saturating_sub(candidates(db, key, kind, room)?);
    let (queue, name, version) = kind;
    let best = format!("SELECT job {BEHIND} AND let_out = 0 ORDER BY priority DESC, run_at, job LIMIT ?5");
    let mut best = db.prepare(&best)?;
    let best = best.query_map(params![key, queue, name, version, room as i64], |row| row.get(0))?;
    best.collect::<Result<Vec<_>, _>>()?.into_iter().try_for_each(|seq| let_out(db, seq))
}

/// Makes a held job a candidate.
fn let_out(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_held SET let_out = 1 WHERE job = ?1", [seq])?;
    db.execute("UPDATE jobwork_jobs SET state = 1 WHERE seq = ?1", [seq])?;
    ready::enter(db, seq)
}

/// How many have been let out and wait for their claim; counted up to `most`.
fn candidates(db: &Db, key: &str, (queue, name, version): &Kind, most: usize) -> rusqlite::Result<usize> {
    let count = format!("SELECT count(*) FROM (SELECT 1 {BEHIND} AND let_out = 1 LIMIT ?5)");
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let count: i64 = db.prepare(&count)?.query_row(params![key, queue, name, version, most], |row| row.get(0))?;
    Ok(count.unsigned_abs() as usize)
}

/// The limits of the job that is the first to be let out.
fn first_held(db: &Db, key: &str, (queue, name, version): &Kind) -> rusqlite::Result<Option<Vec<Limit>>> {
    let first = format!(
        "SELECT (SELECT limits FROM jobwork_details d WHERE d.job = jobwork_held.job) {BEHIND} AND let_out = 0
         ORDER BY priority DESC, run_at, jobwork_held.job LIMIT 1"
    );
    let first: Option<Option<String>> = db
        .prepare(&first)?
        .query_row(params![key, queue, name, version], |row| Ok(row.get(0).unwrap_or_default()))
        .optional()?;
    // One whose limits can't be read has none, as far as the gate is concerned: the claim meets it, and it is dead.
    let limits = |text| Ok(sound(limits::parse(text), "the limits of a job")?.unwrap_or_default());
    first.map(limits).transpose()
}

/// Says when a gate is due, so that the invariant holds; a gate with nothing behind it is forgotten.
pub(super) fn settle(db: &Db, flow: &Flow, key: &str, kind: &Kind) -> rusqlite::Result<()> {
    let (queue, name, version) = kind;
    let Some(limits) = first_held(db, key, kind)? else {
        let done = "DELETE FROM jobwork_gates WHERE key = ?1 AND queue = ?2 AND name = ?3 AND version = ?4";
        db.execute(done, params![key, queue, name, version])?;
        return Ok(());
    };
    let wake: Wake = if flow.room(db, key, kind, &limits)? == 0 {
        flow.wake(db, key, kind, &limits)?
    } else if candidates(db, key, kind, 1)? > 0 {
        None
    } else {
        Some((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH))
    };
    let (wake_at, look_at) = (wake.map(|wake| millis(wake.0)), wake.map(|wake| millis(wake.1)));
    db.execute(
        "UPDATE jobwork_gates SET wake_at = ?5, look_at = ?6 WHERE key = ?1 AND queue = ?2 AND name = ?3 AND version = ?4",
        params![key, queue, name, version, wake_at, look_at],
    )?;
    Ok(())
}
