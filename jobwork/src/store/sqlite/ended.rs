//! The jobs that have ended otherwise than by completing, by how and when: few, and the ones that somebody looks for.

use rusqlite::params;

use super::db::Db;
use super::rows::flag;

/// Puts a job that has just ended among them.
pub(super) fn enter(db: &Db, seq: i64) -> rusqlite::Result<()> {
    let entered = "INSERT OR REPLACE INTO jobwork_ended (state, name, finished_at, job, retained)
        SELECT state, name, finished_at, seq, flags & ?2 <> 0 FROM jobwork_jobs WHERE seq = ?1 AND state > 3";
    db.execute(entered, params![seq, flag::RETAINED | flag::FLEETING])?;
    Ok(())
}

/// Takes a job out that is deleted, or will not have ended any more.
pub(super) fn leave(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute(LEAVE, [seq])?;
    Ok(())
}

/// Takes one job out.
pub(super) const LEAVE: &str = "DELETE FROM jobwork_ended WHERE (state, name, finished_at, job)
    = (SELECT state, name, finished_at, seq FROM jobwork_jobs WHERE seq = ?1)";

/// A job with these flags ends: says how long it is kept, if that is its own matter.
pub(super) fn retain(db: &Db, seq: i64, flags: i64, at: i64) -> rusqlite::Result<()> {
    if flags & (flag::RETAINED | flag::FLEETING) == 0 {
        return Ok(());
    }
    // One that was to be gone when it completes may have no details, and ended otherwise.
    db.execute(
        "INSERT INTO jobwork_details (job, retain, kept_until) VALUES (?1, 0, ?2)
         ON CONFLICT (job) DO UPDATE SET kept_until = ?2 + retain",
        [seq, at],
    )?;
    if flags & flag::DETAILED == 0 {
        db.execute("UPDATE jobwork_jobs SET flags = flags | ?2 WHERE seq = ?1", [seq, flag::DETAILED])?;
    }
    Ok(())
}
