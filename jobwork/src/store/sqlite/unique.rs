//! Unique keys. A job has its key while its flags say so, and the index of those that have one lets no second job have it.

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::expire;
use super::rows::{duration, flag, job_id, millis, state};
use super::{gates, ready};
use crate::error::{Error, Result};
use crate::job::{JobId, JobState, NewJob, OnConflict, Unique, UniqueStates};
use crate::store::Topic;

/// Who has a key.
pub(super) const HOLDER: &str = "SELECT s.seq, s.created_at, s.seen, s.name, d.unique_until, d.expires_at
    FROM jobwork_details d CROSS JOIN jobwork_seen s ON s.seq = d.job WHERE d.unique_key = ?1 AND d.has_key = 1";

/// The job that has a key.
pub(super) struct Holder {
    pub(super) seq: i64,
    created_at: i64,
    state: i64,
    name: String,
    until: Option<i64>,
    expires_at: Option<i64>,
}

impl Holder {
    pub(super) fn id(&self) -> JobId {
        job_id(self.seq, self.created_at)
    }
}

/// Who has the key now. One whose window is over gives it up, and one that has expired is ended first.
fn holder(db: &Db, key: &str, now: i64) -> rusqlite::Result<Option<Holder>> {
    let found = find(db, key)?;
    match found {
        Some(Holder { seq, until: Some(until), .. }) if until <= now => {
            give_up(db, seq)?;
            Ok(None)
        }
        Some(Holder {
            seq, state: state::HELD | state::WAITING | state::READY, expires_at: Some(expires_at), ..
        }) if expires_at <= now => {
            expire::end_expired(db, seq, now)?;
            find(db, key)
        }
        found => Ok(found),
    }
}

fn find(db: &Db, key: &str) -> rusqlite::Result<Option<Holder>> {
    db.prepare(HOLDER)?
        .query_row([key], |row| {
            let (seq, created_at, state, name) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(Holder { seq, created_at, state, name, until: row.get(4)?, expires_at: row.get(5)? })
        })
        .optional()
}

/// The job that stands in for a new one because it has its key: it takes over from the new one what that says.
///
/// `needed` says that others of the push refer to the new job; `first` is the number of the push's first row.
pub(super) fn existing(
    db: &Db,
    job: &NewJob,
    needed: bool,
    first: i64,
    now: i64,
) -> rusqlite::Result<Result<Option<JobId>>> {
    let Some(unique) = &job.flow.unique else { return Ok(Ok(None)) };
    let Some(holder) = holder(db, &unique.key, now)? else { return Ok(Ok(None)) };
    if needed || unique.on_conflict == OnConflict::Error {
        let existing = (holder.seq < first).then(|| holder.id());
        return Ok(Err(Error::Duplicate { job: job.name.to_string(), existing }));
    }
    let begun = !matches!(holder.state, state::HELD | state::WAITING | state::READY);
    if !begun && holder.name == job.name {
        replace(db, &holder, job, unique.on_conflict, now)?;
    }
    Ok(Ok(Some(holder.id())))
}

fn replace(db: &Db, holder: &Holder, job: &NewJob, on_conflict: OnConflict, now: i64) -> rusqlite::Result<()> {
    let OnConflict::Replace { args, schedule, at_most } = on_conflict else { return Ok(()) };
    // Due at another time, or in another version, it has to be met again by what held it.
    gates::withdraw(db, holder.seq)?;
    ready::leave(db, holder.seq)?;
    if args {
        let replaced = "UPDATE jobwork_jobs SET args = ?2, version = ?3 WHERE seq = ?1";
        db.execute(replaced, params![holder.seq, job.args, job.version])?;
    }
    if schedule {
        let latest = at_most.map_or(i64::MAX, |longest| holder.created_at.saturating_add(duration(longest)));
        let run_at = job.run_at.map_or(now, millis).min(latest);
        let (expires_at, retry_until) = (job.expires_at.map(millis), job.retry_until.map(millis));
        db.execute(
            "UPDATE jobwork_jobs SET run_at = ?2, flags = iif(?3, flags | ?4, flags) WHERE seq = ?1",
            params![holder.seq, run_at, expires_at.is_some(), flag::EXPIRES],
        )?;
        db.execute(
            "UPDATE jobwork_details SET expires_at = ?2, may_expire = ?2 IS NOT NULL, retry_until = ?3 WHERE job = ?1",
            params![holder.seq, expires_at, retry_until],
        )?;
        db.wake(Topic::Ready);
    }
    ready::enter(db, holder.seq)
}

/// Gives a new job its key, which nobody has.
pub(super) fn hold(db: &Db, seq: i64, unique: &Unique, now: i64) -> rusqlite::Result<()> {
    let until_started = unique.states == UniqueStates::UNTIL_STARTED;
    let flags = flag::KEYED | if until_started { flag::KEY_UNTIL_STARTED } else { 0 };
    let until = unique.window.map(|window| now.saturating_add(duration(window)));
    db.execute("UPDATE jobwork_jobs SET flags = flags | ?2 WHERE seq = ?1", [seq, flags])?;
    db.execute(
        "UPDATE jobwork_details SET has_key = 1, unique_key = ?2, unique_states = ?3, unique_until = ?4 WHERE job = ?1",
        params![seq, unique.key, unique.states.bits(), until],
    )?;
    Ok(())
}

/// A job that starts gives its key up if it has it only until then.
pub(super) fn started(db: &Db, seq: i64, flags: i64) -> rusqlite::Result<()> {
    if flags & flag::KEY_UNTIL_STARTED != 0 { give_up(db, seq) } else { Ok(()) }
}

/// A job does not have its key any more.
fn give_up(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE jobwork_details SET has_key = 0 WHERE job = ?1", [seq])?;
    Ok(())
}

/// A job that has ended in this state gives its key up unless it keeps it there.
pub(super) fn ended(db: &Db, seq: i64, state: i64) -> rusqlite::Result<()> {
    let state = match state {
        state::COMPLETED => JobState::Completed,
        state::CANCELLED => JobState::Cancelled,
        state::DISCARDED => JobState::Discarded,
        _ => JobState::Dead,
    };
    let given_up = "UPDATE jobwork_details SET has_key = 0 WHERE job = ?1 AND unique_states & ?2 = 0";
    db.execute(given_up, params![seq, UniqueStates::bit(state)])?;
    Ok(())
}

/// Gives a job that had ended its key again; returns who has it instead, and then changes nothing.
pub(super) fn take_again(db: &Db, seq: i64, now: i64) -> rusqlite::Result<Option<JobId>> {
    let lost = db
        .prepare(
            "SELECT unique_key FROM jobwork_details WHERE job = ?1 AND unique_key IS NOT NULL AND has_key = 0
             AND coalesce(unique_until > ?2, 1)",
        )?
        .query_row([seq, now], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(key) = lost else { return Ok(None) };
    if let Some(holder) = holder(db, &key, now)? {
        return Ok(Some(holder.id()));
    }
    db.execute("UPDATE jobwork_details SET has_key = 1 WHERE job = ?1", [seq])?;
    Ok(None)
}
