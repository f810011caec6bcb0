//! What workers have claimed: a row a claim, which is all that says of its jobs that they run.
//!
//! A claim's row names its jobs as runs of numbers. Whether one of them still runs stands in the job's own row, and the view
//! `jobwork_running` brings the two together. A row goes when all its jobs have come back, or with its worker.

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::rows::{malformed, row_of};
use super::unreadable::sound;
use crate::job::Lease;

/// The first and the last of numbers that follow one another.
type Run = (i64, i64);

/// A claim of a worker that is still there.
#[derive(Debug)]
pub(super) struct Claimed {
    /// The key of the worker.
    pub(super) worker: i64,
    /// When its jobs were started.
    pub(super) at: i64,
    runs: Vec<Run>,
}

impl Claimed {
    /// Whether this job was among those that were claimed.
    pub(super) fn has(&self, job: i64) -> bool {
        let run = self.runs.partition_point(|(_, last)| *last < job);
        self.runs.get(run).is_some_and(|(first, _)| *first <= job)
    }
}

/// Writes down that a worker has these jobs, and says which claim that is.
pub(super) fn start(db: &Db, worker: i64, jobs: &[i64], now: i64) -> rusqlite::Result<i64> {
    let runs = runs(jobs);
    let (first, last) = (runs.first().map(|run| run.0), runs.last().map(|run| run.1));
    // Numbers can always be written.
    let text = serde_json::to_string(&runs).unwrap_or_default();
    let claim = db.next_claim()?;
    db.execute(
        "INSERT INTO jobwork_claims (id, worker, at, running, first, last, runs) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![claim, worker, now, jobs.len() as i64, first, last, text],
    )?;
    Ok(claim)
}

/// The claim that this lease is from, as long as its worker is there.
pub(super) fn of(db: &Db, lease: Lease) -> rusqlite::Result<Option<Claimed>> {
    db.prepare(
        "SELECT w.key, c.at, c.runs FROM jobwork_claims c JOIN jobwork_workers w ON w.key = c.worker
         WHERE c.id = ?1 AND w.id = ?2",
    )?
    .query_row(params![number(lease), lease.worker.to_string()], |row| {
        let claimed = || {
            let runs = serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|error| malformed(2, error))?;
            Ok(Claimed { worker: row.get(0)?, at: row.get(1)?, runs })
        };
        sound(claimed(), "a claim")
    })
    .optional()
    .map(Option::flatten)
}

/// The row of the claim that a lease is from.
pub(super) fn number(lease: Lease) -> i64 {
    i64::try_from(lease.claim).unwrap_or(i64::MAX)
}

/// A job of this lease was completed in a transaction of its own.
#[cfg(feature = "rusqlite")]
pub(super) fn remember_finished_in(db: &Db, lease: Lease) -> rusqlite::Result<()> {
    let job = row_of(lease.job).map(|(seq, _)| seq);
    db.execute("INSERT INTO jobwork_finished_in (claim, job) VALUES (?1, ?2)", params![number(lease), job])?;
    Ok(())
}

/// Whether a job of this lease was completed in a transaction of its own, which is to be counted now.
pub(super) fn was_finished_in(db: &Db, lease: Lease) -> rusqlite::Result<bool> {
    let job = row_of(lease.job).map(|(seq, _)| seq);
    let gone = "DELETE FROM jobwork_finished_in WHERE claim = ?1 AND job = ?2";
    Ok(db.execute(gone, params![number(lease), job])? > 0)
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
    let finished = "DELETE FROM jobwork_finished_in WHERE claim IN (SELECT id FROM jobwork_claims WHERE worker = ?1)";
    db.execute(finished, [worker])?;
    db.execute("DELETE FROM jobwork_claims WHERE worker = ?1", [worker])?;
    Ok(())
}

/// The first and the last number of each run of numbers that follow one another.
pub(super) fn runs(jobs: &[i64]) -> Vec<Run> {
    let mut sorted = jobs.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<Run> = Vec::new();
    for job in sorted {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(job) => *last = job,
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

    #[test]
    fn a_claim_has_the_jobs_of_its_runs_and_no_others() {
        let claimed = Claimed { worker: 1, at: 0, runs: runs(&[2, 3, 7]) };
        assert_eq!((0..10).filter(|job| claimed.has(*job)).collect::<Vec<_>>(), [2, 3, 7]);
    }
}
