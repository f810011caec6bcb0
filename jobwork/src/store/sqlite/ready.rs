//! The line of ready jobs: a table in the order in which claims take them.
//!
//! A job whose row says that it is ready is in this line, or it runs. So who starts jobs takes them out of the line and writes
//! nothing else of theirs, and whoever changes a job's queue, priority or due time takes it out before, and puts it back after.

use rusqlite::params;

use super::db::Db;

/// Puts a job into the line, if its row says that it is ready, and it isn't there.
pub(super) fn enter(db: &Db, seq: i64) -> rusqlite::Result<()> {
    // `OR FAIL`, for one row can't fail half-way, and needs no journal of its own.
    let entered = "INSERT OR FAIL INTO jobwork_ready (queue, priority, run_at, seq, name, version, expires_at)
        SELECT queue, priority, run_at, seq, name, version, (SELECT expires_at FROM jobwork_details WHERE job = seq)
        FROM jobwork_jobs WHERE seq = ?1 AND state = 1 ON CONFLICT DO NOTHING";
    db.execute(entered, [seq])?;
    Ok(())
}

/// Takes a job out of the line, if it is in it.
pub(super) fn leave(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute(LEAVE, [seq])?;
    Ok(())
}

/// Takes one job out.
pub(super) const LEAVE: &str = "DELETE FROM jobwork_ready WHERE (queue, priority, run_at, seq)
    = (SELECT queue, priority, run_at, seq FROM jobwork_jobs WHERE seq = ?1)";

/// Takes out what stands in a place, which may be no job's.
pub(super) fn leave_place(db: &Db, queues: &[String], place: &Place) -> rusqlite::Result<()> {
    let (queue, priority) = place.level;
    let left = params![queues[queue], priority, place.run_at, place.seq];
    db.execute("DELETE FROM jobwork_ready WHERE queue = ?1 AND priority = ?2 AND run_at = ?3 AND seq = ?4", left)?;
    Ok(())
}

/// One queue and priority.
pub(super) type Level = (usize, i64);

/// A job in the line, as a claim came upon it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The index of the queue among those that the claim looks at, and the priority.
    pub(super) level: Level,
    /// So many jobs of the level came before.
    pub(super) number: usize,
    pub(super) run_at: i64,
    pub(super) seq: i64,
    /// Whether it has a time to expire.
    pub(super) expires: bool,
}

impl Place {
    /// Whether no other job stands between this one and the next.
    fn is_before(&self, next: &Self) -> bool {
        self.level == next.level && self.number + 1 == next.number
    }
}

/// Takes these jobs out of the line, in one statement those that stand together. Fails where another one has come between
/// them since they were seen: it would be lost.
pub(super) fn start(db: &Db, queues: &[String], places: &[Place]) -> rusqlite::Result<()> {
    let mut statement = db.prepare(LEAVE_TOGETHER)?;
    for together in places.chunk_by(Place::is_before) {
        let (first, last) = (&together[0], &together[together.len() - 1]);
        let (queue, priority) = first.level;
        let left = params![queues[queue], priority, first.run_at, first.seq, last.run_at, last.seq];
        let left = statement.execute(left)?;
        if left != together.len() {
            return Err(rusqlite::Error::StatementChangedRows(left));
        }
    }
    Ok(())
}

/// Takes the jobs of one queue and priority out from one to another.
pub(super) const LEAVE_TOGETHER: &str = "DELETE FROM jobwork_ready WHERE queue = ?1 AND priority = ?2
    AND (run_at, seq) >= (?3, ?4) AND (run_at, seq) <= (?5, ?6)";
