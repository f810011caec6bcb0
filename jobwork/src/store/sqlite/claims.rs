//! What workers have claimed: a row a claim, so that a running job is in no index of its own.
//!
//! A claim's row names its jobs as runs of numbers. Whether one of them still runs stands in the job's own row, and the view
//! `jobwork_running` brings the two together. A row goes when all its jobs have come back, or with its worker.

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use crate::job::Lease;

/// Starts these jobs for a worker, those in one statement whose numbers follow one another, and says which claim that was.
pub(super) fn start(db: &Db, worker: i64, jobs: &[i64], now: i64) -> rusqlite::Result<i64> {
    let runs = runs(jobs);
    // Numbers can always be written.
    let text = serde_json::to_string(&runs).unwrap_or_default();
    let opened = "INSERT INTO jobwork_claims (worker, running, runs) VALUES (?1, ?2, ?3)";
    db.execute(opened, params![worker, jobs.len() as i64, text])?;
    let claim = db.connection.last_insert_rowid();
    let mut started = db.prepare(
        "UPDATE OR FAIL jobwork_jobs SET state = 2, attempt = attempt + 1, claim = ?3, started_at = ?4
         WHERE seq BETWEEN ?1 AND ?2",
    )?;
    for (first, last) in runs {
        started.execute([first, last, claim, now])?;
    }
    Ok(claim)
}

/// The key of the worker whose claim this lease is from, as long as both are there.
pub(super) fn worker(db: &Db, lease: Lease) -> rusqlite::Result<Option<i64>> {
    db.prepare(
        "SELECT w.key FROM jobwork_claims c JOIN jobwork_workers w ON w.key = c.worker WHERE c.id = ?1 AND w.id = ?2",
    )?
    .query_row(params![number(lease), lease.worker.to_string()], |row| row.get(0))
    .optional()
}

/// The row of the claim that a lease is from.
pub(super) fn number(lease: Lease) -> i64 {
    i64::try_from(lease.claim).unwrap_or(i64::MAX)
}

/// So many jobs of a claim don't run any more.
pub(super) fn came_back(db: &Db, claim: i64, jobs: i64) -> rusqlite::Result<()> {
    let fewer = "UPDATE jobwork_claims SET running = running - ?2 WHERE id = ?1 AND running > ?2";
    if db.execute(fewer, [claim, jobs])? == 0 {
        db.execute("DELETE FROM jobwork_claims WHERE id = ?1", [claim])?;
    }
    Ok(())
}

/// Removes the claims of a worker that has no jobs any more.
pub(super) fn forget(db: &Db, worker: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM jobwork_claims WHERE worker = ?1", [worker])?;
    Ok(())
}

/// The first and the last number of each run of numbers that follow one another.
fn runs(jobs: &[i64]) -> Vec<(i64, i64)> {
    let mut sorted = jobs.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for job in sorted {
        match runs.last_mut() {
            Some((_, last)) if job == *last + 1 => *last = job,
            _ => runs.push((job, job)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_are_one_run() {
        assert_eq!(runs(&[3, 1, 2, 11, 20, 4]), [(1, 4), (11, 11), (20, 20)]);
    }
}
