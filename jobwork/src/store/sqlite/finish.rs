use rusqlite::{OptionalExtension, Statement, params};

use super::db::Db;
use super::history::{self, Entry};
use super::rows::{flag, job_id, millis, row_of, state};
use super::{batches, change, claims, gates, limits, ordered, unique, waiters};
use crate::job::{Finished, Lease, Outcome};
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

/// What a row must be for an outcome to be accepted: number, time of dispatch, attempt, and the claim that started it.
type Fence = (i64, i64, i64, i64);

/// Writes outcomes, each if its job is still running under its lease.
pub(super) fn finish(db: &Db, finished: &[Finished]) -> rusqlite::Result<Vec<Settled>> {
    let mut claims: Vec<Returning> = Vec::new();
    let mut plain = db.prepare(COMPLETE_PLAIN)?;
    let mut settled = Vec::with_capacity(finished.len());
    for finished in finished {
        let returning = returning(db, &mut claims, finished.lease)?;
        let stored = finish_one(db, &mut plain, returning.worker, finished)?;
        returning.jobs += i64::from(stored);
        settled.push(if stored { Settled::Stored } else { Settled::Lost });
    }
    let mut back = claims.iter().filter(|claim| claim.jobs > 0);
    back.try_for_each(|claim| claims::came_back(db, claims::number(claim.lease), claim.jobs))?;
    Ok(settled)
}

/// A claim of which jobs come back.
struct Returning {
    /// The lease of one of them.
    lease: Lease,
    /// The key of the worker; `None` when it is dead or has left, or never claimed this.
    worker: Option<i64>,
    jobs: i64,
}

/// The claim of this lease. Jobs that were claimed together come back together, so it is most often the last one.
fn returning<'a>(db: &Db, claims: &'a mut Vec<Returning>, lease: Lease) -> rusqlite::Result<&'a mut Returning> {
    let same = |known: &Returning| known.lease.claim == lease.claim && known.lease.worker == lease.worker;
    let place = match claims.iter().rposition(same) {
        Some(place) => place,
        None => {
            claims.push(Returning { lease, worker: claims::worker(db, lease)?, jobs: 0 });
            claims.len() - 1
        }
    };
    Ok(&mut claims[place])
}

fn finish_one(db: &Db, plain: &mut Statement<'_>, worker: Option<i64>, finished: &Finished) -> rusqlite::Result<bool> {
    let Some((worker, (seq, created_at))) = worker.zip(row_of(finished.lease.job)) else { return Ok(false) };
    let fence = (seq, created_at, i64::from(finished.lease.attempt), claims::number(finished.lease));
    let at = millis(finished.at);
    db.at(at);
    if let Outcome::Completed { output } = &finished.outcome {
        return Ok(complete_plain(db, plain, fence, output, at)? || complete(db, fence, output, at)?);
    }
    let Some(job) = running(db, fence, worker)? else { return Ok(false) };
    settle(db, &job, &finished.outcome, at)?;
    Ok(true)
}

fn running(db: &Db, fence: Fence, worker: i64) -> rusqlite::Result<Option<Running>> {
    db.prepare(
        "SELECT run_at, rescues, cancel, flags FROM jobwork_jobs
         WHERE seq = ?1 AND created_at = ?2 AND state = 2 AND attempt = ?3 AND claim = ?4",
    )?
    .query_row(fence, |row| {
        let (seq, created_at, attempt, claim) = fence;
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
            complete(db, (job.seq, job.created_at, job.attempt, job.claim), output, at).map(drop)
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

/// Completes the job of this fence if nothing is special about it.
const COMPLETE_PLAIN: &str = "UPDATE jobwork_jobs SET state = 3, reason = NULL, output = ?5, finished_at = ?6
    WHERE seq = ?1 AND created_at = ?2 AND state = 2 AND attempt = ?3 AND claim = ?4 AND flags = 0 AND cancel = 0";

/// Nearly every outcome is the success of a plain job: one statement reads the fence and writes. It returns nothing, for
/// a statement that returns something takes twice as long.
fn complete_plain(
    db: &Db,
    plain: &mut Statement<'_>,
    (seq, created_at, attempt, claim): Fence,
    output: &str,
    at: i64,
) -> rusqlite::Result<bool> {
    let completed = plain.execute(params![seq, created_at, attempt, claim, output, at])? > 0;
    if completed {
        db.count_completed(1);
        db.wake(Topic::Settled);
    }
    Ok(completed)
}

/// Drops a job that is gone when it completes, if nothing was written of it elsewhere.
fn drop_fleeting(db: &Db, seq: i64) -> rusqlite::Result<bool> {
    let dropped = db.execute(
        "DELETE FROM jobwork_jobs WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM jobwork_attempts WHERE job = ?1)
         AND NOT EXISTS (SELECT 1 FROM jobwork_links WHERE child = ?1)",
        [seq],
    )?;
    Ok(dropped > 0)
}

fn complete(db: &Db, fence: Fence, output: &str, at: i64) -> rusqlite::Result<bool> {
    let (seq, created_at, ..) = fence;
    let held = "SELECT flags FROM jobwork_jobs
         WHERE seq = ?1 AND created_at = ?2 AND state = 2 AND attempt = ?3 AND claim = ?4";
    let flags = db.prepare(held)?.query_row(fence, |row| row.get(0)).optional()?;
    let Some(flags): Option<i64> = flags else { return Ok(false) };
    if flags == flag::FLEETING && drop_fleeting(db, seq)? {
        db.wake(Topic::Settled);
        return Ok(true);
    }
    db.execute(
        "UPDATE jobwork_jobs SET state = 3, cancel = iif(cancel, 2, 0), reason = NULL, output = ?2, finished_at = ?3
         WHERE seq = ?1",
        params![seq, output, at],
    )?;
    db.count_completed(1);
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
    let ready = "UPDATE jobwork_jobs SET state = 1, attempt = ?2, run_at = ?3 WHERE seq = ?1";
    db.execute(ready, [seq, attempt, run_at])?;
    db.wake(Topic::Ready);
    Ok(())
}

/// The job will not go on by itself.
pub(super) fn end(db: &Db, seq: i64, state: i64, reason: Option<&str>, at: i64) -> rusqlite::Result<()> {
    gates::withdraw(db, seq)?;
    let written = "UPDATE jobwork_jobs SET state = ?2, cancel = iif(cancel, 2, 0), reason = ?3, finished_at = ?4
        WHERE seq = ?1 RETURNING flags";
    let flags = db.prepare(written)?.query_row(params![seq, state, reason, at], |row| row.get(0)).optional()?;
    db.wake(Topic::Settled);
    ended(db, seq, flags.unwrap_or(0), state, at)
}
