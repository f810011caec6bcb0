use super::db::Db;
use super::finish::{self, Running, settle};
use super::history::{self, Entry};
use super::rows::{flag, job_id, malformed, millis, state};
use super::unreadable::{all_sound, or_set_aside};
use super::{beat, limits, locks};
use crate::job::{DeadReason, Failure, FailureKind, JobId, Outcome, WorkerId};
use crate::store::Rescue;

/// The answer when no worker is dead.
pub(super) fn look(db: &Db, rescue: Rescue) -> rusqlite::Result<Option<Vec<JobId>>> {
    Ok(dead(db, rescue)?.is_empty().then(Vec::new))
}

/// Takes the jobs of dead workers from them, and forgets the workers.
pub(super) fn rescue(db: &Db, rescue: Rescue) -> rusqlite::Result<Vec<JobId>> {
    let mut rescued = Vec::new();
    for (key, worker) in dead(db, rescue)? {
        for (seq, job) in beat::running(db, key)? {
            rescued.extend(or_set_aside(db, seq, millis(rescue.now), || rescue_job(db, &job?, rescue))?);
        }
        beat::forget(db, key, worker)?;
    }
    db.locks.sweep();
    Ok(rescued)
}

/// Workers whose lease has run out, and those whose process no longer holds their lock.
fn dead(db: &Db, rescue: Rescue) -> rusqlite::Result<Vec<(i64, WorkerId)>> {
    let mut statement = db.prepare("SELECT key, id, locked, expires_at FROM jobwork_workers ORDER BY key")?;
    let dead = all_sound(statement.query([])?, "a worker", |row| {
        let worker = row.get::<_, String>(1)?.parse().map_err(|error| malformed(1, error))?;
        let expired = row.get::<_, i64>(3)? <= millis(rescue.now);
        let is_dead = expired || (row.get(2)? && db.locks.state(worker) == locks::State::Free);
        Ok(is_dead.then_some((row.get(0)?, worker)))
    });
    Ok(dead?.into_iter().flatten().collect())
}

fn rescue_job(db: &Db, job: &Running, rescue: Rescue) -> rusqlite::Result<JobId> {
    take_from_dead(db, job, rescue)?;
    Ok(job_id(job.seq, job.created_at))
}

fn take_from_dead(db: &Db, job: &Running, rescue: Rescue) -> rusqlite::Result<()> {
    let (rescues, at) = (job.rescues.saturating_add(1), millis(rescue.now));
    db.execute("UPDATE jobwork_jobs SET rescues = ?2 WHERE seq = ?1", [job.seq, rescues])?;
    if job.cancel {
        return settle(db, job, &Outcome::Cancelled { failure: None }, at);
    }
    let poison = rescue.poison_after > 0 && rescues >= i64::from(rescue.poison_after);
    let failure = poison.then(|| poisonous(rescues));
    let outcome = if poison { "dead" } else { "rescued" };
    let (seq, attempt, worker, failure) = (job.seq, job.attempt, job.worker, failure.as_ref());
    history::remember(db, &Entry { seq, attempt, worker, at, outcome, failure })?;
    if job.flags & flag::LIMITED != 0 {
        limits::free(db, job.seq)?;
    }
    if poison {
        // The attempt counts no more than that of any other job whose worker died.
        let poisoned = &Running { attempt: attempt - 1, ..*job };
        return finish::stop(db, poisoned, state::DEAD, Some(&DeadReason::Poison.to_string()), at);
    }
    finish::again(db, job, attempt - 1, job.run_at)
}

fn poisonous(rescues: i64) -> Failure {
    let message = format!("{rescues} workers died while they ran it");
    Failure { kind: FailureKind::Poison, message, detail: None, middleware: None }
}
