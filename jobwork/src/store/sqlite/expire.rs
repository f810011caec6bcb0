//! Jobs whose time is over, found by an index that holds no others than those with a time to expire.

use rusqlite::OptionalExtension;

use super::db::Db;
use super::finish::end;
use super::rows::{flag, job_id, state};
use super::unreadable::or_set_aside;
use super::waiters;
use crate::store::EXPIRED;

/// The answer when no job has expired.
pub(super) fn look(db: &Db, now: i64, limit: usize) -> rusqlite::Result<Option<usize>> {
    Ok(expired(db, now, limit.min(1))?.is_empty().then_some(0))
}

/// Ends jobs that have expired, those first that did first.
pub(super) fn expire(db: &Db, now: i64, limit: usize) -> rusqlite::Result<usize> {
    let expired = expired(db, now, limit)?;
    for seq in &expired {
        or_set_aside(db, *seq, now, || end_expired(db, *seq, now))?;
    }
    Ok(expired.len())
}

/// A job with these flags waits for its start again: it may expire, if it has a time for that.
pub(super) fn enter(db: &Db, seq: i64, flags: i64) -> rusqlite::Result<()> {
    if flags & flag::EXPIRES != 0 {
        let may = "UPDATE jobwork_details SET may_expire = 1 WHERE job = ?1 AND expires_at IS NOT NULL";
        db.execute(may, [seq])?;
    }
    Ok(())
}

/// A job starts, or ends: it can't expire any more.
pub(super) fn leave(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_details SET may_expire = 0 WHERE job = ?1 AND may_expire = 1", [seq])?;
    Ok(())
}

/// The jobs that have expired, those first that did first.
pub(super) const EXPIRED_ONES: &str = "SELECT job FROM jobwork_details
    WHERE may_expire = 1 AND expires_at <= ?1 ORDER BY expires_at, job LIMIT ?2";

fn expired(db: &Db, now: i64, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare(EXPIRED_ONES)?.query_map([now, limit], |row| row.get(0))?.collect()
}

/// Ends a job that has expired, with those that wait for it.
pub(super) fn end_expired(db: &Db, seq: i64, now: i64) -> rusqlite::Result<()> {
    // It may have been cancelled a moment ago, with one that it waited for.
    let open = "SELECT created_at FROM jobwork_seen WHERE seq = ?1 AND seen < 2";
    let created_at: Option<i64> = db.prepare(open)?.query_row([seq], |row| row.get(0)).optional()?;
    let Some(created_at) = created_at else { return Ok(()) };
    end(db, seq, state::DISCARDED, Some(EXPIRED), now)?;
    waiters::cancel(db, seq, &format!("chain member {} was discarded: {EXPIRED}", job_id(seq, created_at)), now)
}
