//! Jobs of one key that run one after the other.
//!
//! Of the open jobs of a key all but one are in line, and being in line is one more thing that a job waits for. When the one
//! that isn't ends, the first in line, by dispatch, is it. So whatever ends in the middle of a line concerns nobody else.

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::ready;
use super::rows::flag;
use crate::store::Topic;

/// The open job of a key that is not in line.
pub(super) const LEADER: &str = "SELECT job FROM jobwork_details WHERE ordered = ?1 AND in_line = 0";

/// The first in line of a key.
pub(super) const NEXT: &str = "SELECT job FROM jobwork_details WHERE ordered = ?1 AND in_line = 1 ORDER BY job LIMIT 1";

/// Puts a new job into the order of a key.
pub(super) fn enter(db: &Db, seq: i64, key: &str) -> rusqlite::Result<()> {
    let in_line = i64::from(leader(db, key)?.is_some());
    db.execute("UPDATE jobwork_details SET ordered = ?2, in_line = ?3 WHERE job = ?1", params![seq, key, in_line])?;
    db.execute(
        "UPDATE jobwork_jobs SET flags = flags | ?2, waits = waits + ?3, state = iif(waits + ?3 = 0, 1, 0) WHERE seq = ?1",
        [seq, flag::ORDERED, in_line],
    )?;
    Ok(())
}

/// Puts a job that had ended, and will be revived, back into the order of its key: before all that were dispatched later, except
/// one that may have begun.
pub(super) fn enter_again(db: &Db, seq: i64) -> rusqlite::Result<()> {
    let Some(key) = key(db, seq)? else { return Ok(()) };
    let leader = leader(db, &key)?;
    take_place(db, seq, 0)?;
    let Some(leader) = leader else { return Ok(()) };
    // Behind a later job that itself waits, for a chain, it could be waiting for itself.
    let waits = "SELECT 1 FROM jobwork_jobs WHERE seq = ?1 AND state = 0";
    let behind = if leader > seq && db.prepare(waits)?.exists([leader])? { leader } else { seq };
    take_place(db, behind, 1)?;
    db.execute("UPDATE jobwork_jobs SET waits = waits + 1 WHERE seq = ?1", [behind])?;
    Ok(())
}

/// The next job of the key takes its turn when this one, which ends or is deleted, had it.
pub(super) fn ended(db: &Db, seq: i64, at: i64) -> rusqlite::Result<()> {
    let place = "SELECT ordered, in_line FROM jobwork_details WHERE job = ?1 AND in_line IS NOT NULL";
    let place = db.prepare(place)?.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((key, in_line)): Option<(String, bool)> = place else { return Ok(()) };
    db.execute("UPDATE jobwork_details SET in_line = NULL WHERE job = ?1", [seq])?;
    if in_line {
        db.execute("UPDATE jobwork_jobs SET waits = waits - 1 WHERE seq = ?1", [seq])?;
        return Ok(());
    }
    let next: Option<i64> = db.prepare(NEXT)?.query_row([&key], |row| row.get(0)).optional()?;
    if let Some(next) = next {
        take_place(db, next, 0)?;
        db.execute(
            "UPDATE jobwork_jobs SET waits = waits - 1, state = iif(waits = 1, 1, 0),
             run_at = iif(waits = 1, max(run_at, ?2), run_at) WHERE seq = ?1",
            [next, at],
        )?;
        ready::enter(db, next)?;
        db.wake(Topic::Ready);
    }
    Ok(())
}

fn take_place(db: &Db, seq: i64, in_line: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_details SET in_line = ?2 WHERE job = ?1", [seq, in_line])?;
    Ok(())
}

/// The open job of a key that is not in line.
fn leader(db: &Db, key: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare(LEADER)?.query_row([key], |row| row.get(0)).optional()
}

fn key(db: &Db, seq: i64) -> rusqlite::Result<Option<String>> {
    let key = "SELECT ordered FROM jobwork_details WHERE job = ?1";
    Ok(db.prepare(key)?.query_row([seq], |row| row.get(0)).optional()?.flatten())
}
