//! Those that wait for a job: released when it completes, cancelled when it ends otherwise, revived when it is retried.
//!
//! A link says that a child waits for a parent. It is done when the parent's output has reached the child, and then
//! nothing that becomes of the parent concerns the child any more.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::finish::{end, ended};
use super::rows::{job_id, state};
use super::{batches, ordered, unique};
use crate::job::DeadReason;
use crate::store::{Topic, fill};

/// Gives a job's output to those that wait for it, and lets go those that now wait for nothing.
pub(super) fn release(db: &Db, seq: i64, output: &str, at: i64) -> rusqlite::Result<()> {
    for (child, place, slot) in links(db, seq)? {
        let done = "UPDATE jobwork_links SET done = 1 WHERE parent = ?1 AND child = ?2 AND place = ?3";
        db.execute(done, [seq, child, place])?;
        let child = db
            .prepare("SELECT state, args, waits, run_at FROM jobwork_jobs WHERE seq = ?1")?
            .query_row([child], |row| {
                Ok(Child { seq: child, state: row.get(0)?, args: row.get(1)?, waits: row.get(2)?, run_at: row.get(3)? })
            })
            .optional()?;
        if let Some(child) = child {
            take_output(db, &child, slot.as_deref(), output, at)?;
        }
    }
    Ok(())
}

struct Child {
    seq: i64,
    state: i64,
    args: String,
    waits: i64,
    run_at: i64,
}

fn links(db: &Db, parent: i64) -> rusqlite::Result<Vec<(i64, i64, Option<String>)>> {
    let open = "SELECT child, place, slot FROM jobwork_links WHERE parent = ?1 AND done = 0";
    db.prepare(open)?.query_map([parent], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// Also a job that was cancelled meanwhile takes the output: it may be retried.
fn take_output(db: &Db, child: &Child, slot: Option<&str>, output: &str, at: i64) -> rusqlite::Result<()> {
    let waits = child.waits - 1;
    let released = child.state == state::WAITING && waits == 0;
    let state = if released { state::READY } else { child.state };
    let run_at = if released { child.run_at.max(at) } else { child.run_at };
    let filled = slot.map(|slot| fill(&child.args, slot, output));
    let args = filled.as_ref().and_then(|filled| filled.as_deref().ok()).unwrap_or(&child.args);
    let taken = "UPDATE jobwork_jobs SET state = ?2, waits = ?3, run_at = ?4, args = ?5 WHERE seq = ?1";
    db.execute(taken, params![child.seq, state, waits, run_at, args])?;
    if matches!(filled, Some(Err(_))) && child.state == state::WAITING {
        // The parser's own words may quote the arguments.
        let why = "the arguments take no output by name: they are not a json object";
        end(db, child.seq, state::DEAD, Some(&format!("{}: {why}", DeadReason::Undecodable)), at)
    } else {
        db.wake(Topic::Ready);
        Ok(())
    }
}

/// Cancels all that wait for `cause`, directly or through others.
pub(super) fn cancel(db: &Db, cause: i64, why: &str, at: i64) -> rusqlite::Result<()> {
    let mut cancel = db.prepare(
        "WITH RECURSIVE below (seq) AS (
            SELECT l.child FROM jobwork_links l JOIN jobwork_jobs j ON j.seq = l.child
            WHERE l.parent = ?1 AND l.done = 0 AND j.state = 0
            UNION SELECT l.child FROM below JOIN jobwork_links l ON l.parent = below.seq
            JOIN jobwork_jobs j ON j.seq = l.child WHERE l.done = 0 AND j.state = 0)
         UPDATE jobwork_jobs SET state = 4, cause = ?1, reason = ?2, finished_at = ?3
         WHERE seq IN (SELECT seq FROM below) RETURNING seq, flags",
    )?;
    let cancelled = cancel.query_map(params![cause, why, at], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let cancelled: Vec<(i64, i64)> = cancelled.collect::<Result<_, _>>()?;
    if !cancelled.is_empty() {
        db.wake(Topic::Settled);
    }
    cancelled.into_iter().try_for_each(|(seq, flags)| ended(db, seq, flags, state::CANCELLED, at))
}

/// Makes a job what it was before it ended: ready, or waiting for what it still waits for.
pub(super) fn revive(db: &Db, seq: i64, now: i64) -> rusqlite::Result<()> {
    // Times that have passed no longer hold: they would end it again before it runs.
    db.execute(
        "UPDATE jobwork_jobs SET state = iif(waits = 0, 1, 0), cause = NULL, reason = NULL, finished_at = NULL,
         expires_at = iif(expires_at <= ?2, NULL, expires_at), retry_until = iif(retry_until <= ?2, NULL, retry_until)
         WHERE seq = ?1",
        [seq, now],
    )?;
    db.wake(Topic::Ready);
    batches::follow(db, seq, now)
}

/// Brings back those that were cancelled because of `cause`.
pub(super) fn revive_below(db: &Db, cause: i64, now: i64) -> rusqlite::Result<()> {
    let mut below: BTreeSet<i64> = cancelled_by(db, cause, cause)?.into_iter().collect();
    // In the order of dispatch, so that a job is looked at after all those that it waits for.
    while let Some(seq) = below.pop_first() {
        below.extend(cancelled_by(db, seq, cause)?);
        match obstacle(db, seq)? {
            None => revive_unless_taken(db, seq, now)?,
            Some((other, why)) => {
                db.execute("UPDATE jobwork_jobs SET cause = ?2, reason = ?3 WHERE seq = ?1", params![seq, other, why])?;
            }
        }
    }
    Ok(())
}

/// Brings back a job that was cancelled because of others; one whose unique key is another job's by now stays cancelled by itself.
pub(super) fn revive_unless_taken(db: &Db, seq: i64, now: i64) -> rusqlite::Result<()> {
    let Some(other) = unique::take_again(db, seq, now)? else {
        ordered::enter_again(db, seq)?;
        return revive(db, seq, now);
    };
    let why = format!("job {other} has its unique key");
    db.execute("UPDATE jobwork_jobs SET cause = NULL, reason = ?2 WHERE seq = ?1", params![seq, why])?;
    Ok(())
}

fn cancelled_by(db: &Db, parent: i64, cause: i64) -> rusqlite::Result<Vec<i64>> {
    db.prepare(
        "SELECT j.seq FROM jobwork_links l JOIN jobwork_jobs j ON j.seq = l.child
         WHERE l.parent = ?1 AND l.done = 0 AND j.state = 4 AND j.cause = ?2",
    )?
    .query_map([parent, cause], |row| row.get(0))?
    .collect()
}

/// Why a job can't go on even if it is revived: something that it waits for ended without an output.
pub(super) fn obstacle(db: &Db, seq: i64) -> rusqlite::Result<Option<(i64, String)>> {
    db.prepare(
        "SELECT l.parent, p.created_at, p.state, p.cause, p.reason
         FROM jobwork_links l LEFT JOIN jobwork_jobs p ON p.seq = l.parent
         WHERE l.child = ?1 AND l.done = 0 AND (p.seq IS NULL OR p.state IN (4, 5)) LIMIT 1",
    )?
    .query_row([seq], |row| {
        let parent: i64 = row.get(0)?;
        let (Some(created_at), cause, reason): (Option<i64>, Option<i64>, Option<String>) =
            (row.get(1)?, row.get(3)?, row.get(4)?)
        else {
            return Ok((parent, "a chain member was deleted".to_owned()));
        };
        let word = if row.get::<_, i64>(2)? == state::CANCELLED { "cancelled" } else { "discarded" };
        let named = format!("chain member {} was {word}", job_id(parent, created_at));
        Ok(match (cause, reason) {
            (Some(cause), Some(reason)) => (cause, reason),
            (None, Some(reason)) => (parent, format!("{named}: {reason}")),
            (_, None) => (parent, named),
        })
    })
    .optional()
}
