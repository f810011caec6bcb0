use rusqlite::{OptionalExtension, params};

use super::history::{self, Entry};
use super::rows::{job_id, millis, row_of, state};
use super::writer::Db;
use super::{beat, waiters};
use crate::job::{Finished, Lease, Outcome};
use crate::store::{Settled, Topic};

/// A running job that an outcome is written for.
pub(super) struct Running {
    pub(super) seq: i64,
    pub(super) created_at: i64,
    pub(super) attempt: i64,
    /// The key of its worker.
    pub(super) worker: i64,
    pub(super) run_at: i64,
    pub(super) rescues: i64,
    pub(super) cancel: bool,
}

/// Writes an outcome, if its job is still running under its lease.
pub(super) fn finish(db: &Db, finished: &Finished) -> rusqlite::Result<Settled> {
    match running(db, finished.lease)? {
        Some(job) => settle(db, &job, &finished.outcome, millis(finished.at)).map(|()| Settled::Stored),
        None => Ok(Settled::Lost),
    }
}

fn running(db: &Db, lease: Lease) -> rusqlite::Result<Option<Running>> {
    let Some((seq, created_at)) = row_of(lease.job) else { return Ok(None) };
    let Some(worker) = beat::key(db, lease.worker)? else { return Ok(None) };
    let attempt = i64::from(lease.attempt);
    db.prepare(
        "SELECT run_at, rescues, cancel FROM jobwork_jobs
         WHERE seq = ?1 AND created_at = ?2 AND state = 2 AND attempt = ?3 AND worker = ?4",
    )?
    .query_row((seq, created_at, attempt, worker), |row| {
        let (run_at, rescues, cancel) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Running { seq, created_at, attempt, worker, run_at, rescues, cancel })
    })
    .optional()
}

/// Writes what became of a running job.
pub(super) fn settle(db: &Db, job: &Running, outcome: &Outcome, at: i64) -> rusqlite::Result<()> {
    let would_run_again =
        matches!(outcome, Outcome::Retry { .. } | Outcome::Snoozed { .. } | Outcome::HandedBack { .. });
    let overruled = (job.cancel && would_run_again).then(|| Outcome::Cancelled { failure: outcome.failure().cloned() });
    let outcome = overruled.as_ref().unwrap_or(outcome);
    if let Some(word) = outcome.word() {
        let (seq, attempt, worker, failure) = (job.seq, job.attempt, job.worker, outcome.failure());
        history::remember(db, &Entry { seq, attempt, worker, at, outcome: word, failure })?;
    }
    write(db, job, outcome, at)
}

fn write(db: &Db, job: &Running, outcome: &Outcome, at: i64) -> rusqlite::Result<()> {
    match outcome {
        Outcome::Completed { output } => complete(db, job.seq, output, at),
        Outcome::Retry { at: due, .. } => again(db, job.seq, job.attempt, millis(*due)),
        Outcome::Snoozed { until } => again(db, job.seq, job.attempt - 1, millis(*until)),
        Outcome::HandedBack { .. } => again(db, job.seq, job.attempt - 1, job.run_at.min(at)),
        Outcome::Cancelled { .. } => {
            end(db, job.seq, state::CANCELLED, None, at)?;
            let why = format!("chain member {} was cancelled", job_id(job.seq, job.created_at));
            waiters::cancel(db, job.seq, &why, at)
        }
        Outcome::Discarded { why } => {
            end(db, job.seq, state::DISCARDED, Some(why), at)?;
            let why = format!("chain member {} was discarded: {why}", job_id(job.seq, job.created_at));
            waiters::cancel(db, job.seq, &why, at)
        }
        Outcome::Dead { reason, .. } => end(db, job.seq, state::DEAD, Some(&reason.to_string()), at),
    }
}

fn complete(db: &Db, seq: i64, output: &str, at: i64) -> rusqlite::Result<()> {
    let mut statement = db.prepare(
        "UPDATE jobwork_jobs SET state = 3, worker = NULL, reason = NULL, output = ?2, finished_at = ?3 WHERE seq = ?1",
    )?;
    statement.execute(params![seq, output, at])?;
    db.wake(Topic::Settled);
    waiters::release(db, seq, output, at)
}

/// The job is ready for its next attempt at `run_at`.
pub(super) fn again(db: &Db, seq: i64, attempt: i64, run_at: i64) -> rusqlite::Result<()> {
    let ready = "UPDATE jobwork_jobs SET state = 1, worker = NULL, attempt = ?2, run_at = ?3 WHERE seq = ?1";
    db.execute(ready, [seq, attempt, run_at])?;
    db.wake(Topic::Ready);
    Ok(())
}

/// The job will not go on by itself.
pub(super) fn end(db: &Db, seq: i64, state: i64, reason: Option<&str>, at: i64) -> rusqlite::Result<()> {
    let ended = "UPDATE jobwork_jobs SET state = ?2, worker = NULL, reason = ?3, finished_at = ?4 WHERE seq = ?1";
    db.execute(ended, params![seq, state, reason, at])?;
    db.wake(Topic::Settled);
    Ok(())
}
