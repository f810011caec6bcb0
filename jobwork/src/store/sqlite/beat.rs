use rusqlite::{Connection, OptionalExtension, Row, params};

use super::claims;
use super::db::Db;
use super::finish::{Running, settle};
use super::rows::{job_id, malformed, millis};
use super::unreadable::{all_sound, or_set_aside};
use crate::clock::after;
use crate::job::{JobId, Outcome, WorkerId};
use crate::store::{Beat, BeatKind, Command, Signals, Topic, WorkerState};

/// A worker's row, as far as beats need it.
struct Known {
    key: i64,
    state: String,
    expires_at: i64,
    command: Option<Command>,
}

/// The key of a worker that joined, and did not leave or die. Keys are never given twice.
pub(super) fn key(connection: &Connection, worker: WorkerId) -> rusqlite::Result<Option<i64>> {
    let key = "SELECT key FROM jobwork_workers WHERE id = ?1";
    connection.prepare_cached(key)?.query_row([worker.to_string()], |row| row.get(0)).optional()
}

/// The answer to a beat that has nothing to write: a living worker must not make the file change every second.
pub(super) fn look(db: &Db, beat: &Beat) -> rusqlite::Result<Option<Signals>> {
    if beat.kind == BeatKind::Join {
        return Ok(None);
    }
    let Some(known) = known(db, beat.worker.id)? else { return Ok(Some(gone(db, beat))) };
    let quiet = beat.kind == BeatKind::Live && known.command.is_none() && known.state == beat.state.as_str();
    if !quiet || is_due(beat, known.expires_at) {
        return Ok(None);
    }
    Ok(Some(Signals { gone: false, cancel: cancels(db, known.key)?, command: None }))
}

/// Whether a third of the lease has passed since it was renewed.
fn is_due(beat: &Beat, expires_at: i64) -> bool {
    millis(after(beat.now, beat.lease * 2 / 3)) >= expires_at
}

/// Writes a beat.
pub(super) fn beat(db: &Db, beat: &Beat) -> rusqlite::Result<Signals> {
    if beat.kind == BeatKind::Join {
        join(db, beat)?;
    }
    let Some(known) = known(db, beat.worker.id)? else { return Ok(gone(db, beat)) };
    if beat.kind == BeatKind::Leave {
        leave(db, known.key, beat)?;
        return Ok(Signals::default());
    }
    db.execute(
        "UPDATE jobwork_workers SET state = ?2, running = ?3, last_beat = ?4, expires_at = ?5, command = NULL
         WHERE key = ?1",
        params![
            known.key,
            beat.state.as_str(),
            beat.running as i64,
            millis(beat.now),
            millis(after(beat.now, beat.lease))
        ],
    )?;
    Ok(Signals { gone: false, cancel: cancels(db, known.key)?, command: known.command })
}

/// The lock must exist before the row does: a row without one is a dead worker's.
fn join(db: &Db, beat: &Beat) -> rusqlite::Result<()> {
    let id = beat.worker.id;
    let locked = db.locks.hold(id);
    let info = serde_json::to_string(&*beat.worker);
    let info = info.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    db.execute(
        "INSERT INTO jobwork_workers (id, info, state, running, last_beat, expires_at, locked)
         VALUES (?1, ?2, ?3, 0, ?4, ?4, ?5) ON CONFLICT (id) DO UPDATE SET info = excluded.info",
        params![id.to_string(), info, WorkerState::Starting.as_str(), millis(beat.now), locked],
    )?;
    Ok(())
}

/// Jobs that the worker should still have are ready again, as if it had handed them back.
fn leave(db: &Db, key: i64, beat: &Beat) -> rusqlite::Result<()> {
    let at = millis(beat.now);
    for (seq, job) in running(db, key)? {
        or_set_aside(db, seq, at, || settle(db, &job?, &Outcome::HandedBack { failure: None }, at))?;
    }
    forget(db, key, beat.worker.id)
}

/// Removes a worker that has no jobs any more.
pub(super) fn forget(db: &Db, key: i64, worker: WorkerId) -> rusqlite::Result<()> {
    db.execute("DELETE FROM jobwork_workers WHERE key = ?1", [key])?;
    claims::forget(db, key)?;
    // Should the commit fail, the row is left without its lock, and whoever rescues next removes it.
    db.locks.release(worker);
    db.wake(Topic::Signals);
    Ok(())
}

fn gone(db: &Db, beat: &Beat) -> Signals {
    db.locks.release(beat.worker.id);
    Signals { gone: true, ..Signals::default() }
}

fn known(db: &Db, worker: WorkerId) -> rusqlite::Result<Option<Known>> {
    db.prepare("SELECT key, state, expires_at, command FROM jobwork_workers WHERE id = ?1")?
        .query_row([worker.to_string()], |row| {
            Ok(Known { key: row.get(0)?, state: row.get(1)?, expires_at: row.get(2)?, command: command(row, 3)? })
        })
        .optional()
}

fn command(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Command>> {
    let word: Option<String> = row.get(column)?;
    let command = word.map(|word| serde_json::from_value(word.into()));
    command.transpose().map_err(|error| malformed(column, error))
}

/// The jobs that a worker is running, by their numbers. Those that can't be read are among them.
pub(super) fn running(db: &Db, worker: i64) -> rusqlite::Result<Vec<(i64, rusqlite::Result<Running>)>> {
    db.prepare(
        "SELECT seq, created_at, attempt, run_at, rescues, cancel, claim, flags, started_at FROM jobwork_running
         WHERE worker = ?1 ORDER BY seq",
    )?
    .query_map([worker], |row| Ok((row.get(0)?, running_job(row, worker))))?
    .collect()
}

fn running_job(row: &Row<'_>, worker: i64) -> rusqlite::Result<Running> {
    Ok(Running {
        seq: row.get(0)?,
        created_at: row.get(1)?,
        attempt: row.get(2)?,
        worker,
        claim: row.get(6)?,
        started_at: row.get(8)?,
        run_at: row.get(3)?,
        rescues: row.get(4)?,
        cancel: row.get(5)?,
        flags: row.get(7)?,
    })
}

fn cancels(db: &Db, worker: i64) -> rusqlite::Result<Vec<JobId>> {
    let mut jobs = db.prepare(
        "SELECT j.seq, j.created_at FROM jobwork_jobs j WHERE j.cancel = 1 AND j.state = 1 AND EXISTS (
            SELECT 1 FROM jobwork_claims c, json_each(iif(json_valid(c.runs), c.runs, '[]')) r
            WHERE c.worker = ?1 AND c.id > j.claim AND c.first <= j.seq AND c.last >= j.seq
            AND j.seq BETWEEN iif(r.type = 'array', r.value ->> 0, NULL) AND iif(r.type = 'array', r.value ->> 1, NULL))
         ORDER BY j.seq",
    )?;
    all_sound(jobs.query([worker])?, "a job to cancel", |row| Ok(job_id(row.get(0)?, row.get(1)?)))
}
