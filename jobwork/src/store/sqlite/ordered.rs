//! Jobs of one key that run one after the other.
//!
//! Of the open jobs of a key all but one are in line, and being in line is one more thing that a job waits for. When the one
//! that isn't ends, the first in line, by dispatch, is it. So whatever ends in the middle of a line concerns nobody else.

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::rows::{flag, state};
use crate::store::Topic;

/// The open job of a key that is not in line.
pub(super) const LEADER: &str = "SELECT seq, state FROM jobwork_jobs WHERE ordered = ?1 AND in_line = 0 AND state < 3";

/// The first in line of a key.
pub(super) const NEXT: &str =
    "SELECT seq FROM jobwork_jobs WHERE ordered = ?1 AND in_line = 1 AND state < 3 ORDER BY seq LIMIT 1";

/// Puts a new job into the order of a key.
pub(super) fn enter(db: &Db, seq: i64, key: &str) -> rusqlite::Result<()> {
    let in_line = leader(db, key)?.is_some();
    db.execute(
        "UPDATE jobwork_jobs SET flags = flags | ?2, ordered = ?3, in_line = ?4, waits = waits + ?4,
         state = iif(waits + ?4 = 0, 1, 0) WHERE seq = ?1",
        params![seq, flag::ORDERED, key, in_line],
    )?;
    Ok(())
}

/// Puts a job that had ended, and will be revived, back into the order of its key: before all that were dispatched later, except
/// one that may have begun.
pub(super) fn enter_again(db: &Db, seq: i64) -> rusqlite::Result<()> {
    let Some(key) = key(db, seq)? else { return Ok(()) };
    let Some((leader, state)) = leader(db, &key)? else { return Ok(()) };
    // Behind a later job that itself waits, for a chain, it could be waiting for itself.
    let behind = if state == state::WAITING && leader > seq { leader } else { seq };
    db.execute("UPDATE jobwork_jobs SET in_line = 1, waits = waits + 1 WHERE seq = ?1", [behind])?;
    Ok(())
}

/// The next job of the key takes its turn when this one, which ends or is deleted, had it.
pub(super) fn ended(db: &Db, seq: i64, at: i64) -> rusqlite::Result<()> {
    let left = "UPDATE jobwork_jobs SET in_line = 0, waits = waits - 1 WHERE seq = ?1 AND in_line = 1";
    if db.execute(left, [seq])? > 0 {
        return Ok(());
    }
    let Some(key) = key(db, seq)? else { return Ok(()) };
    let next: Option<i64> = db.prepare(NEXT)?.query_row([&key], |row| row.get(0)).optional()?;
    if let Some(next) = next {
        db.execute(
            "UPDATE jobwork_jobs SET in_line = 0, waits = waits - 1, state = iif(waits = 1, 1, 0),
             run_at = iif(waits = 1, max(run_at, ?2), run_at) WHERE seq = ?1",
            [next, at],
        )?;
        db.wake(Topic::Ready);
    }
    Ok(())
}

/// The open job of a key that is not in line, and its state.
fn leader(db: &Db, key: &str) -> rusqlite::Result<Option<(i64, i64)>> {
    db.prepare(LEADER)?.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn key(db: &Db, seq: i64) -> rusqlite::Result<Option<String>> {
    let key = "SELECT ordered FROM jobwork_jobs WHERE seq = ?1";
    Ok(db.prepare(key)?.query_row([seq], |row| row.get(0)).optional()?.flatten())
}
