//! Those that wait for a job: released when it completes, cancelled when it ends otherwise, revived when it is retried.
//!
//! A link says that a child waits for a parent. When the parent's output has reached the child, nothing that becomes of the
//! parent concerns the child any more. Whoever changes a parent that has completed lets its children go first, which marks
//! its links as done.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use super::db::Db;
use super::finish::end;
use super::rows::{job_id, state};
use super::unreadable::{readable, set_aside};
use super::{batches, ended, ordered, ready, unique};
use crate::job::DeadReason;
use crate::store::{Topic, fill};

/// Gives a job's output to those that wait for it, and lets go those that now wait for nothing.
pub(super) fn release(db: &Db, seq: i64, output: &str, at: i64) -> rusqlite::Result<()> {
    let mut waiting = db.prepare(
        "SELECT l.slot, j.seq, j.state, j.args, j.waits, j.run_at
         FROM jobwork_links l CROSS JOIN jobwork_jobs j ON j.seq = l.child WHERE l.parent = ?1 AND l.done = 0",
    )?;
    let mut waiting = waiting.query([seq])?;
    let mut children: Vec<(Vec<Option<String>>, Child)> = Vec::new();
    let mut wrong = Vec::new();
    while let Some(row) = waiting.next()? {
        let (slot, child) = match readable(child(row))? {
            Ok(child) => child,
            Err(why) => {
                wrong.push((row.get(1)?, why));
                continue;
            }
        };
        // One job may take the output in several places.
        match children.last_mut().filter(|(_, last)| last.seq == child.seq) {
            Some((slots, _)) => slots.push(slot),
            None => children.push((vec![slot], child)),
        }
    }
    drop(waiting);
    children.into_iter().try_for_each(|(slots, child)| take_output(db, child, &slots, output, at))?;
    wrong.into_iter().try_for_each(|(child, why)| set_aside(db, child, &why, at))
}

/// The slot that takes the output, and whose it is.
fn child(row: &Row) -> rusqlite::Result<(Option<String>, Child)> {
    let (seq, state, args, waits, run_at) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
    Ok((row.get(0)?, Child { seq, state, args, waits, run_at }))
}

struct Child {
    seq: i64,
    state: i64,
    args: String,
    waits: i64,
    run_at: i64,
}

/// Also a job that was cancelled meanwhile takes the output: it may be retried.
fn take_output(db: &Db, mut child: Child, slots: &[Option<String>], output: &str, at: i64) -> rusqlite::Result<()> {
    child.waits = child.waits.saturating_sub(slots.len() as i64);
    let (mut taken, released) = (true, child.state == state::WAITING && child.waits == 0);
    for slot in slots.iter().flatten() {
        match fill(&child.args, slot, output) {
            Ok(filled) => child.args = filled,
            Err(_) => taken = false,
        }
    }
    let state = if released { state::READY } else { child.state };
    let run_at = if released { child.run_at.max(at) } else { child.run_at };
    db.execute(
        "UPDATE jobwork_jobs SET state = ?2, waits = ?3, run_at = ?4, args = ?5 WHERE seq = ?1",
        params![child.seq, state, child.waits, run_at, child.args],
    )?;
    if released {
        ready::enter(db, child.seq)?;
    }
    if !taken && child.state == state::WAITING {
        // The parser's own words may quote the arguments.
        let why = "the arguments take no output by name: they are not a json object";
        end(db, child.seq, state::DEAD, Some(&format!("{}: {why}", DeadReason::Undecodable)), at)
    } else {
        db.wake(Topic::Ready);
        Ok(())
    }
}

/// A job that completed will not stay so: those that took its output have nothing to do with it any more.
pub(super) fn let_go(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_links SET done = 1 WHERE parent = ?1", [seq])?;
    Ok(())
}

/// Cancels all that wait for `cause`, directly or through others.
pub(super) fn cancel(db: &Db, cause: i64, why: &str, at: i64) -> rusqlite::Result<()> {
    let mut below = db.prepare(
        "WITH RECURSIVE below (seq) AS (
            SELECT l.child FROM jobwork_links l JOIN jobwork_jobs j ON j.seq = l.child
            WHERE l.parent = ?1 AND l.done = 0 AND j.state = 0
            UNION SELECT l.child FROM below JOIN jobwork_links l ON l.parent = below.seq
            JOIN jobwork_jobs j ON j.seq = l.child WHERE l.done = 0 AND j.state = 0)
         SELECT seq FROM below",
    )?;
    let below: Vec<i64> = below.query_map([cause], |row| row.get(0))?.collect::<Result<_, _>>()?;
    below.into_iter().try_for_each(|seq| {
        set_cause(db, seq, Some(cause))?;
        end(db, seq, state::CANCELLED, Some(why), at)
    })
}

/// Says what had a job cancelled: another job, or a batch.
pub(super) fn set_cause(db: &Db, seq: i64, cause: Option<i64>) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_details SET cause = ?2 WHERE job = ?1", params![seq, cause])?;
    Ok(())
}

/// Makes a job what it was before it ended: ready, or waiting for what it still waits for.
pub(super) fn revive(db: &Db, seq: i64, now: i64) -> rusqlite::Result<()> {
    // Times that have passed no longer hold: they would end it again before it runs.
    ended::leave(db, seq)?;
    db.execute(
        "UPDATE jobwork_details SET cause = NULL, kept_until = NULL, may_expire = coalesce(expires_at > ?2, 0),
         expires_at = iif(expires_at <= ?2, NULL, expires_at), retry_until = iif(retry_until <= ?2, NULL, retry_until)
         WHERE job = ?1",
        [seq, now],
    )?;
    db.execute(
        "UPDATE jobwork_jobs SET state = iif(waits = 0, 1, 0), reason = NULL, finished_at = NULL WHERE seq = ?1",
        [seq],
    )?;
    ready::enter(db, seq)?;
    db.wake(Topic::Ready);
    batches::follow(db, seq, now)
}

/// Brings back those that were cancelled because of `cause`.
pub(super) fn revive_below(db: &Db, cause: i64, now: i64) -> rusqlite::Result<()> {
    let mut below: BTreeSet<i64> = cancelled_by(db, cause, cause)?.into_iter().collect();
    // In the order of dispatch, so that a job is looked at after all those that it waits for, and each once.
    while let Some(seq) = below.pop_first() {
        below.extend(cancelled_by(db, seq, cause)?);
        match obstacle(db, seq)? {
            None => revive_unless_taken(db, seq, now)?,
            Some((other, why)) => {
                set_cause(db, seq, Some(other))?;
                set_reason(db, seq, &why)?;
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
    set_cause(db, seq, None)?;
    set_reason(db, seq, &why)
}

fn set_reason(db: &Db, seq: i64, why: &str) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_jobs SET reason = ?2 WHERE seq = ?1", params![seq, why])?;
    Ok(())
}

fn cancelled_by(db: &Db, parent: i64, cause: i64) -> rusqlite::Result<Vec<i64>> {
    db.prepare(
        "SELECT j.seq FROM jobwork_links l JOIN jobwork_jobs j ON j.seq = l.child JOIN jobwork_details d ON d.job = j.seq
         WHERE l.parent = ?1 AND l.child > ?1 AND l.done = 0 AND j.state = 4 AND d.cause = ?2",
    )?
    .query_map([parent, cause], |row| row.get(0))?
    .collect()
}

/// Why a job can't go on even if it is revived: something that it waits for ended without an output.
pub(super) fn obstacle(db: &Db, seq: i64) -> rusqlite::Result<Option<(i64, String)>> {
    db.prepare(
        "SELECT l.parent, p.created_at, p.state, d.cause, p.reason FROM jobwork_links l
         LEFT JOIN jobwork_jobs p ON p.seq = l.parent LEFT JOIN jobwork_details d ON d.job = l.parent
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
