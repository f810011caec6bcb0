use std::collections::HashMap;
use std::sync::LazyLock;

use rusqlite::{OptionalExtension, params};

use super::history::{self, Entry};
use super::rows::{flag, job_id, millis, row_of, state};
use super::writer::Db;
use super::{batches, beat, change, gates, limits, ordered, unique, waiters};
use crate::job::{Finished, Outcome, WorkerId};
use crate::store::{Settled, Topic};

/// A running job that an outcome is written for.
pub(super) struct Running {
    pub(super) seq: i64,
    pub(super) created_at: i64,
    pub(super) attempt: i64,
    /// The key of its worker.
    pub(super) worker: i64,
    pub(super) claim: i64,
    pub(super) run_at: i64,
    pub(super) rescues: i64,
    pub(super) cancel: bool,
    pub(super) flags: i64,
}

/// What a row must be for an outcome to be accepted: number, time of dispatch, attempt, the worker's key, and which
/// claim of the job it was.
type Fence = (i64, i64, i64, i64, i64);

/// Writes outcomes, each if its job is still running under its lease.
pub(super) fn finish(db: &Db, finished: &[Finished]) -> rusqlite::Result<Vec<Settled>> {
    // Batches come from one worker, or from few.
    let mut workers: HashMap<WorkerId, Option<i64>> = HashMap::new();
    let mut settled = Vec::with_capacity(finished.len());
    for finished in finished {
        let worker = finished.lease.worker;
        let known = workers.get(&worker).copied();
        let key = known.map_or_else(|| beat::key(db, worker), Ok)?;
        workers.insert(worker, key);
        let stored = key.zip(row_of(finished.lease.job)).map_or(Ok(false), |(key, (seq, created_at))| {
            let (attempt, claim) = (i64::from(finished.lease.attempt), i64::from(finished.lease.claim));
            finish_one(db, (seq, created_at, attempt, key, claim), finished)
        })?;
        settled.push(if stored { Settled::Stored } else { Settled::Lost });
    }
    Ok(settled)
}

fn finish_one(db: &Db, fence: Fence, finished: &Finished) -> rusqlite::Result<bool> {
    let at = millis(finished.at);
    if let Outcome::Completed { output } = &finished.outcome {
        return complete(db, fence, output, at);
    }
    let Some(job) = running(db, fence)? else { return Ok(false) };
    settle(db, &job, &finished.outcome, at)?;
    Ok(true)
}

fn running(db: &Db, fence: Fence) -> rusqlite::Result<Option<Running>> {
    db.prepare(
        "SELECT run_at, rescues, cancel, flags FROM jobwork_jobs
         WHERE seq = ?1 AND created_at = ?2 AND state = 2 AND attempt = ?3 AND worker = ?4 AND claims = ?5",
    )?
    .query_row(fence, |row| {
        let (seq, created_at, attempt, worker, claim) = fence;
        let (run_at, rescues, cancel, flags) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(Running { seq, created_at, attempt, worker, claim, run_at, rescues, cancel, flags })
    })
    .optional()
}

/// Writes what became of a running job.
pub(super) fn settle(db: &Db, job: &Running, outcome: &Outcome, at: i64) -> rusqlite::Result<()> {
    if job.flags & flag::LIMITED != 0 {
        limits::settle(db, job.seq, outcome, at)?;
    }
    let overruled =
        (job.cancel && outcome.runs_again()).then(|| Outcome::Cancelled { failure: outcome.failure().cloned() });
    let outcome = overruled.as_ref().unwrap_or(outcome);
    if let Some(word) = outcome.word() {
        let (seq, attempt, worker, failure) = (job.seq, job.attempt, job.worker, outcome.failure());
        history::remember(db, &Entry { seq, attempt, worker, at, outcome: word, failure })?;
    }
    write(db, job, outcome, at)
}

fn write(db: &Db, job: &Running, outcome: &Outcome, at: i64) -> rusqlite::Result<()> {
    match outcome {
        Outcome::Completed { output } => {
            complete(db, (job.seq, job.created_at, job.attempt, job.worker, job.claim), output, at).map(drop)
        }
        Outcome::Retry { at: due, .. } => {
            again(db, job.seq, job.attempt, millis(*due))?;
            batches::follow(db, job.seq, at)
        }
        Outcome::Snoozed { until } => again(db, job.seq, job.attempt - 1, millis(*until)),
        Outcome::RateLimited { until } => again(db, job.seq, job.attempt - 1, millis(*until)),
        Outcome::HandedBack { .. } | Outcome::Unstarted => again(db, job.seq, job.attempt - 1, job.run_at.min(at)),
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

/// Completes the job of this fence.
const COMPLETE: &str = "UPDATE jobwork_jobs SET state = 3, worker = NULL, reason = NULL, output = ?6, finished_at = ?7
    WHERE seq = ?1 AND created_at = ?2 AND state = 2 AND attempt = ?3 AND worker = ?4 AND claims = ?5";

/// Completes it if nothing is special about it.
static COMPLETE_PLAIN: LazyLock<String> = LazyLock::new(|| format!("{COMPLETE} AND flags = 0"));

/// Completes it, and says what is special about it.
static COMPLETE_FLAGGED: LazyLock<String> = LazyLock::new(|| format!("{COMPLETE} RETURNING flags"));

/// Nearly every outcome is the success of a plain job: one statement reads the fence and writes. It returns nothing, for
/// a statement that returns something takes twice as long.
fn complete(db: &Db, fence: Fence, output: &str, at: i64) -> rusqlite::Result<bool> {
    let (seq, created_at, attempt, worker, claim) = fence;
    let params = params![seq, created_at, attempt, worker, claim, output, at];
    if db.execute(&COMPLETE_PLAIN, params)? > 0 {
        db.wake(Topic::Settled);
        return Ok(true);
    }
    let flags = db.prepare(&COMPLETE_FLAGGED)?.query_row(params, |row| row.get(0)).optional()?;
    let Some(flags): Option<i64> = flags else { return Ok(false) };
    db.wake(Topic::Settled);
    if flags & flag::LIMITED != 0 {
        limits::free(db, seq)?;
    }
    if flags & flag::AWAITED != 0 {
        waiters::release(db, seq, output, at)?;
    }
    ended(db, seq, flags, state::COMPLETED, at)?;
    if flags & flag::FLEETING != 0 {
        change::delete(db, job_id(seq, created_at), at)?;
    }
    Ok(true)
}

/// What a job that has ended shared with others is theirs, and its batch counts it.
pub(super) fn ended(db: &Db, seq: i64, flags: i64, state: i64, at: i64) -> rusqlite::Result<()> {
    if flags & flag::HAS_KEY != 0 {
        unique::ended(db, seq, state)?;
    }
    if flags & flag::ORDERED != 0 {
        ordered::ended(db, seq, at)?;
    }
    if flags & flag::BATCHED != 0 {
        batches::follow(db, seq, at)?;
    }
    Ok(())
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
    gates::withdraw(db, seq)?;
    let written = "UPDATE jobwork_jobs SET state = ?2, worker = NULL, reason = ?3, finished_at = ?4 WHERE seq = ?1 RETURNING flags";
    let flags = db.prepare(written)?.query_row(params![seq, state, reason, at], |row| row.get(0)).optional()?;
    db.wake(Topic::Settled);
    ended(db, seq, flags.unwrap_or(0), state, at)
}
