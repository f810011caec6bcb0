use std::sync::LazyLock;

use rusqlite::{CachedStatement, OptionalExtension, params};

use super::db::Db;
use super::history::{self, Entry};
use super::rows::{flag, job_id, millis, row_of, state};
use super::unreadable::or_set_aside;
use super::{batches, change, claims, ended, expire, gates, limits, ordered, ready, unique, waiters};
use crate::job::{Finished, Lease, Outcome};
use crate::store::{Settled, Topic};

/// A running job that an outcome is written for.
pub(super) struct Running {
    pub(super) seq: i64,
    pub(super) created_at: i64,
    /// The number of the attempt that is running.
    pub(super) attempt: i64,
    /// The key of its worker.
    pub(super) worker: i64,
    pub(super) claim: i64,
    pub(super) started_at: i64,
    pub(super) run_at: i64,
    pub(super) rescues: i64,
    pub(super) cancel: bool,
    pub(super) flags: i64,
}

/// What a row must be for an outcome to be accepted: number, time of dispatch, attempt, and the claim that started it.
pub(super) type Fence = (i64, i64, i64, i64);

/// Writes outcomes, each if its job is still running under its lease.
pub(super) fn finish(db: &Db, finished: &[Finished]) -> rusqlite::Result<Vec<Settled>> {
    let mut claims: Vec<Returning> = Vec::new();
    let mut plain = Plain::prepare(db)?;
    let mut settled = Vec::with_capacity(finished.len());
    for finished in finished {
        let returning = returning(db, &mut claims, finished.lease)?;
        let job = row_of(finished.lease.job).map_or(0, |(seq, _)| seq);
        let one = || finish_one(db, returning.claimed.as_ref(), &mut plain, finished);
        // One whose row can't be read is dead, and has come back.
        let stored = or_set_aside(db, job, millis(finished.at), one)?.unwrap_or(true)
            || (returning.claimed.is_some() && claims::was_finished_in(db, finished.lease)?);
        returning.jobs += i64::from(stored);
        settled.push(if stored { Settled::Stored } else { Settled::Lost });
    }
    let mut back = claims.iter().filter(|claim| claim.jobs > 0);
    back.try_for_each(|claim| claims::came_back(db, claims::number(claim.lease), claim.jobs))?;
    Ok(settled)
}

/// Completes a job in a transaction of somebody else's, if it still runs under its lease. It counts as running for its claim until
/// its worker says what became of it.
#[cfg(feature = "rusqlite")]
pub(super) fn finish_in(db: &Db, finished: &Finished) -> rusqlite::Result<Settled> {
    let claimed = claims::of(db, finished.lease)?;
    if !finish_one(db, claimed.as_ref(), &mut Plain::prepare(db)?, finished)? {
        return Ok(Settled::Lost);
    }
    claims::remember_finished_in(db, finished.lease)?;
    Ok(Settled::Stored)
}

/// A claim of which jobs come back.
struct Returning {
    /// The lease of one of them.
    lease: Lease,
    /// `None` when its worker is dead or has left, or never claimed this.
    claimed: Option<claims::Claimed>,
    jobs: i64,
}

/// The claim of this lease. Jobs that were claimed together come back together, so it is most often the last one.
fn returning<'a>(db: &Db, claims: &'a mut Vec<Returning>, lease: Lease) -> rusqlite::Result<&'a mut Returning> {
    let same = |known: &Returning| known.lease.claim == lease.claim && known.lease.worker == lease.worker;
    let place = match claims.iter().rposition(same) {
        Some(place) => place,
        None => {
            claims.push(Returning { lease, claimed: claims::of(db, lease)?, jobs: 0 });
            claims.len() - 1
        }
    };
    Ok(&mut claims[place])
}

fn finish_one(
    db: &Db,
    claimed: Option<&claims::Claimed>,
    plain: &mut Plain<'_>,
    finished: &Finished,
) -> rusqlite::Result<bool> {
    let Some((claimed, (seq, created_at))) = claimed.zip(row_of(finished.lease.job)) else { return Ok(false) };
    let fence = (seq, created_at, i64::from(finished.lease.attempt), claims::number(finished.lease));
    let at = millis(finished.at);
    db.at(at);
    if let Outcome::Completed { output } = &finished.outcome
        && claimed.has(seq)
        && plain.complete(db, fence, (claimed.at, at), output)?
    {
        return Ok(true);
    }
    let Some(job) = running(db, fence, claimed)? else { return Ok(false) };
    settle(db, &job, &finished.outcome, at)?;
    Ok(true)
}

/// What a row must be for an outcome to be accepted. Its job is one of the claim's.
const FENCE: &str = "seq = ?1 AND created_at = ?2 AND state = 1 AND attempt + 1 = ?3 AND claim < ?4";

static RUNNING: LazyLock<String> =
    LazyLock::new(|| format!("SELECT run_at, rescues, cancel, flags FROM jobwork_jobs WHERE {FENCE}"));

/// The job of this fence, if it is one of the claim's and still runs.
pub(super) fn running(db: &Db, fence: Fence, claimed: &claims::Claimed) -> rusqlite::Result<Option<Running>> {
    let (seq, created_at, attempt, claim) = fence;
    if !claimed.has(seq) {
        return Ok(None);
    }
    db.prepare(&RUNNING)?
        .query_row(fence, |row| {
            let (run_at, rescues, cancel, flags) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let (worker, started_at) = (claimed.worker, claimed.at);
            Ok(Running { seq, created_at, attempt, worker, claim, started_at, run_at, rescues, cancel, flags })
        })
        .optional()
}

/// Writes what became of a running job.
pub(super) fn settle(db: &Db, job: &Running, outcome: &Outcome, at: i64) -> rusqlite::Result<()> {
    if job.flags & flag::LIMITED != 0 {
        limits::settle(db, job, outcome, at)?;
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
        Outcome::Completed { output } => complete(db, job, output, at),
        Outcome::Retry { at: due, .. } => {
            again(db, job, job.attempt, millis(*due))?;
            batches::follow(db, job.seq, at)
        }
        Outcome::Snoozed { until } | Outcome::RateLimited { until } => again(db, job, job.attempt - 1, millis(*until)),
        Outcome::HandedBack { .. } | Outcome::Unstarted => again(db, job, job.attempt - 1, job.run_at.min(at)),
        Outcome::Cancelled { .. } => {
            stop(db, job, state::CANCELLED, None, at)?;
            let why = format!("chain member {} was cancelled", job_id(job.seq, job.created_at));
            waiters::cancel(db, job.seq, &why, at)
        }
        Outcome::Discarded { why } => {
            stop(db, job, state::DISCARDED, Some(why), at)?;
            let why = format!("chain member {} was discarded: {why}", job_id(job.seq, job.created_at));
            waiters::cancel(db, job.seq, &why, at)
        }
        Outcome::Dead { reason, .. } => stop(db, job, state::DEAD, Some(&reason.to_string()), at),
    }
}

/// What completes most jobs: nearly every outcome is the success of a job about which nothing else is to be done. One statement
/// reads the fence and writes. It returns nothing, for a statement that returns something takes twice as long.
struct Plain<'a> {
    ways: [Way<'a>; 3],
    /// The way of the last one, which may be that of the next.
    last: usize,
}

/// How jobs of some kind complete.
struct Way<'a> {
    statement: CachedStatement<'a>,
    kept: bool,
    awaited: bool,
}

/// What may be special about a job without anything to be done for it when it completes.
const PASSIVE: i64 = flag::DETAILED | flag::REMEMBERED | flag::HELD;

/// Completes the job of this fence if nothing is to be done for it besides.
static KEEP: LazyLock<String> = LazyLock::new(|| keep(0));

/// Completes the job of this fence if others wait for it, and nothing else is to be done.
static KEEP_AWAITED: LazyLock<String> = LazyLock::new(|| keep(flag::AWAITED));

/// Drops the job of this fence if nothing is special about it but that.
static DROP: LazyLock<String> =
    LazyLock::new(|| format!("DELETE FROM jobwork_jobs WHERE {FENCE} AND cancel = 0 AND flags = {}", flag::FLEETING));

fn keep(flags: i64) -> String {
    format!(
        "UPDATE jobwork_jobs SET state = 3, attempt = ?3, claim = ?4, started_at = ?5, finished_at = ?6, output = ?7
         WHERE {FENCE} AND cancel = 0 AND flags & ~{PASSIVE} = {flags}"
    )
}

impl<'a> Plain<'a> {
    fn prepare(db: &'a Db) -> rusqlite::Result<Self> {
        let way =
            |sql: &str, kept, awaited| Ok::<_, rusqlite::Error>(Way { statement: db.prepare(sql)?, kept, awaited });
        let ways = [way(&KEEP, true, false)?, way(&KEEP_AWAITED, true, true)?, way(&DROP, false, false)?];
        Ok(Self { ways, last: 0 })
    }

    /// Completes a job if it runs and is plain, and says whether it was.
    fn complete(
        &mut self,
        db: &Db,
        fence: Fence,
        (started_at, at): (i64, i64),
        output: &str,
    ) -> rusqlite::Result<bool> {
        let (seq, created_at, attempt, claim) = fence;
        for offset in 0..self.ways.len() {
            let index = (self.last + offset) % self.ways.len();
            let way = &mut self.ways[index];
            let written = if way.kept {
                way.statement.execute(params![seq, created_at, attempt, claim, started_at, at, output])?
            } else {
                way.statement.execute(fence)?
            };
            if written > 0 {
                if way.kept {
                    db.count_completed(1);
                } else {
                    db.deleted(seq);
                }
                db.wake(Topic::Settled);
                if way.awaited {
                    waiters::release(db, seq, output, at)?;
                }
                self.last = index;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn complete(db: &Db, job: &Running, output: &str, at: i64) -> rusqlite::Result<()> {
    let Running { seq, flags, .. } = *job;
    db.execute(
        "UPDATE jobwork_jobs SET state = 3, attempt = ?2, claim = ?3, started_at = ?4, cancel = iif(cancel, 2, 0),
         output = ?5, finished_at = ?6 WHERE seq = ?1",
        params![seq, job.attempt, job.claim, job.started_at, output, at],
    )?;
    db.count_completed(1);
    db.wake(Topic::Settled);
    if flags & flag::AWAITED != 0 {
        waiters::release(db, seq, output, at)?;
    }
    has_ended(db, seq, flags, state::COMPLETED, at)?;
    if flags & flag::FLEETING != 0 {
        return change::delete(db, job_id(seq, job.created_at), at).map(drop);
    }
    ended::retain(db, seq, flags, at)
}

/// What a job that has ended shared with others is theirs, and its batch counts it.
fn has_ended(db: &Db, seq: i64, flags: i64, state: i64, at: i64) -> rusqlite::Result<()> {
    if flags & flag::KEYED != 0 {
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

/// A job does not run any more, and its row says of the run what a claim doesn't write. What becomes of a run otherwise than by
/// completing is in the history, or may be.
fn come_back(db: &Db, job: &Running, attempt: i64, run_at: i64) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE jobwork_jobs SET attempt = ?2, claim = ?3, started_at = ?4, run_at = ?5, flags = flags | ?6 WHERE seq = ?1",
        [job.seq, attempt, job.claim, job.started_at, run_at, flag::REMEMBERED],
    )?;
    Ok(())
}

/// A job that ran is ready for its next attempt at `run_at`.
pub(super) fn again(db: &Db, job: &Running, attempt: i64, run_at: i64) -> rusqlite::Result<()> {
    come_back(db, job, attempt, run_at)?;
    expire::enter(db, job.seq, job.flags)?;
    ready::enter(db, job.seq)?;
    db.wake(Topic::Ready);
    Ok(())
}

/// A job that ran will not go on by itself.
pub(super) fn stop(db: &Db, job: &Running, state: i64, reason: Option<&str>, at: i64) -> rusqlite::Result<()> {
    come_back(db, job, job.attempt, job.run_at)?;
    write_end(db, job.seq, state, reason, at)
}

/// A job that does not run will not go on by itself.
pub(super) fn end(db: &Db, seq: i64, state: i64, reason: Option<&str>, at: i64) -> rusqlite::Result<()> {
    gates::withdraw(db, seq)?;
    ready::leave(db, seq)?;
    write_end(db, seq, state, reason, at)
}

/// A job that stands in no line has ended.
fn write_end(db: &Db, seq: i64, state: i64, reason: Option<&str>, at: i64) -> rusqlite::Result<()> {
    let written = "UPDATE jobwork_jobs SET state = ?2, cancel = iif(cancel, 2, 0), reason = ?3, finished_at = ?4
        WHERE seq = ?1 RETURNING flags";
    let flags = db.prepare(written)?.query_row(params![seq, state, reason, at], |row| row.get(0)).optional()?;
    let flags: i64 = flags.unwrap_or(0);
    ended::enter(db, seq)?;
    if flags & flag::EXPIRES != 0 {
        expire::leave(db, seq)?;
    }
    db.wake(Topic::Settled);
    ended::retain(db, seq, flags, at)?;
    has_ended(db, seq, flags, state, at)
}
