//! Jobs changed by hand.

use rusqlite::{OptionalExtension, params};

use super::db::Db;
use super::finish::end;
use super::rows::{row_of, state};
use super::{batches, details, ended, gates, notes, ordered, ready, unique, waiters};
use crate::job::{JobId, WorkerId};
use crate::store::{CancelAnswer, Command, Topic};

/// A job's row number, state and due time.
type Found = (i64, i64, i64);

fn find(db: &Db, id: JobId) -> rusqlite::Result<Option<Found>> {
    let Some(row) = row_of(id) else { return Ok(None) };
    db.prepare("SELECT seq, seen, run_at FROM jobwork_seen WHERE seq = ?1 AND created_at = ?2")?
        .query_row(row, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

pub(super) fn cancel(db: &Db, ids: &[JobId], now: i64) -> rusqlite::Result<Vec<CancelAnswer>> {
    // Asked before anything changes: a job that is cancelled with an earlier one of `ids` had not ended before.
    let answers = ids.iter().map(|id| find(db, *id).map(cancel_answer)).collect::<Result<_, _>>()?;
    for id in ids {
        if let Some(found) = find(db, *id)? {
            cancel_job(db, *id, found, now)?;
        }
    }
    Ok(answers)
}

fn cancel_answer(found: Option<Found>) -> CancelAnswer {
    match found {
        None => CancelAnswer::NotFound,
        Some((_, state::RUNNING, _)) => CancelAnswer::Requested,
        Some((_, state::HELD | state::WAITING | state::READY, _)) => CancelAnswer::Cancelled,
        Some(_) => CancelAnswer::Ended,
    }
}

fn cancel_job(db: &Db, id: JobId, (seq, state, _): Found, now: i64) -> rusqlite::Result<()> {
    match state {
        state::RUNNING => {
            db.execute("UPDATE jobwork_jobs SET cancel = 1 WHERE seq = ?1", [seq])?;
            db.wake(Topic::Signals);
            Ok(())
        }
        state::HELD | state::WAITING | state::READY => {
            end(db, seq, state::CANCELLED, None, now)?;
            waiters::cancel(db, seq, &format!("chain member {id} was cancelled"), now)
        }
        _ => Ok(()),
    }
}

pub(super) fn retry(db: &Db, id: JobId, now: i64) -> rusqlite::Result<bool> {
    let Some((seq, state, run_at)) = find(db, id)? else { return Ok(false) };
    let scheduled = state == state::READY && run_at > now;
    if !(scheduled || state >= state::COMPLETED)
        || waiters::obstacle(db, seq)?.is_some()
        || batches::is_spoiled(db, seq)?
    {
        return Ok(false);
    }
    if state >= state::COMPLETED {
        if unique::take_again(db, seq, now)?.is_some() {
            return Ok(false);
        }
        ordered::enter_again(db, seq)?;
    }
    if state == state::COMPLETED {
        db.count_completed(-1);
        notes::begin_anew(db, seq)?;
        waiters::let_go(db, seq)?;
    }
    ready::leave(db, seq)?;
    db.execute(
        "UPDATE jobwork_jobs SET run_at = ?2, attempt = 0, rescues = 0, output = NULL, cancel = 0 WHERE seq = ?1",
        [seq, now],
    )?;
    waiters::revive(db, seq, now)?;
    waiters::revive_below(db, seq, now)?;
    Ok(true)
}

pub(super) fn requeue(db: &Db, id: JobId, queue: &str, now: i64) -> rusqlite::Result<bool> {
    let Some((seq, state, _)) = find(db, id)? else { return Ok(false) };
    if state == state::RUNNING || (state >= state::COMPLETED && !retry(db, id, now)?) {
        return Ok(false);
    }
    // It stands behind a gate of its old queue.
    gates::withdraw(db, seq)?;
    ready::leave(db, seq)?;
    db.execute("UPDATE jobwork_jobs SET queue = ?2 WHERE seq = ?1", params![seq, queue])?;
    ready::enter(db, seq)?;
    db.wake(Topic::Ready);
    Ok(true)
}

pub(super) fn delete(db: &Db, id: JobId, now: i64) -> rusqlite::Result<bool> {
    let Some((seq, state, _)) = find(db, id)? else { return Ok(false) };
    if state == state::RUNNING {
        return Ok(false);
    }
    gates::withdraw(db, seq)?;
    ready::leave(db, seq)?;
    ended::leave(db, seq)?;
    if state == state::COMPLETED {
        waiters::let_go(db, seq)?;
    }
    waiters::cancel(db, seq, &format!("chain member {id} was deleted"), now)?;
    batches::forget(db, seq, now)?;
    if state < state::COMPLETED {
        ordered::ended(db, seq, now)?;
    }
    if state == state::COMPLETED {
        db.count_completed(-1);
    }
    db.execute("DELETE FROM jobwork_jobs WHERE seq = ?1", [seq])?;
    db.deleted(seq);
    details::forget(db, seq)?;
    db.execute("DELETE FROM jobwork_attempts WHERE job = ?1", [seq])?;
    notes::forget(db, seq)?;
    // A link that is not done stays, and says to whoever retries the child that nothing can complete it.
    db.execute("DELETE FROM jobwork_links WHERE child = ?1", [seq])?;
    db.execute("DELETE FROM jobwork_links WHERE parent = ?1 AND done = 1", [seq])?;
    // Whoever waits for this job's end waits for ever unless it looks again.
    db.wake(Topic::Settled);
    Ok(true)
}

pub(super) fn command(db: &Db, worker: WorkerId, command: Command) -> rusqlite::Result<bool> {
    let told = "UPDATE jobwork_workers SET command = ?2 WHERE id = ?1";
    let told = db.execute(told, params![worker.to_string(), command.as_str()])?;
    db.wake(Topic::Signals);
    Ok(told > 0)
}
