//! Forgetting jobs that were kept long enough. What is to go is found by a reader, so that the writer, and with it every
//! claim, is kept only for as long as deleting takes: in the indexes of ended jobs, and completed ones by going through the
//! oldest jobs.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::change;
use super::db::Db;
use super::rows::{duration, flag, job_id, millis, state};
use super::unreadable::{Raw, all_sound, or_undone, sound};
use crate::job::JobState;
use crate::store::{Prune, Topic};

/// A job as it was found: its number, when it was dispatched, and when it ended.
pub(super) type Over = (i64, i64, i64);

const ENDS: [(i64, JobState); 4] = [
    (state::COMPLETED, JobState::Completed),
    (state::CANCELLED, JobState::Cancelled),
    (state::DISCARDED, JobState::Discarded),
    (state::DEAD, JobState::Dead),
];

/// Jobs that have been kept long enough.
pub(super) fn find(connection: &Connection, prune: &Prune) -> rusqlite::Result<Vec<Over>> {
    let mut found = own_time_over(connection, prune)?;
    for (state, end) in ENDS {
        if end == JobState::Completed && !prune.retention.has_count(end) {
            old_completed(connection, prune, &mut found)?;
        } else {
            of_end(connection, prune, (state, end), &mut found)?;
        }
    }
    Ok(found)
}

/// So many jobs in a row that were dispatched too late say that all others were too, whatever a clock did.
const NEWER: usize = 1_000;

/// Adds completed jobs that are too old. They are in no index, since most jobs complete: they are read in the order of dispatch, up
/// to those that can't have been kept for long enough.
fn old_completed(connection: &Connection, prune: &Prune, found: &mut Vec<Over>) -> rusqlite::Result<()> {
    let Some(shortest) = prune.retention.shortest(JobState::Completed) else { return Ok(()) };
    let ended_by = |age| millis(prune.now).saturating_sub(duration(age));
    let mut statement = connection.prepare_cached(
        "SELECT seq, created_at, finished_at, state = 3 AND flags & ?1 = 0, name FROM jobwork_jobs ORDER BY seq",
    )?;
    let (mut rows, mut newer) = (statement.query([OWN_TIME])?, 0);
    while found.len() < prune.limit && newer < NEWER {
        let Some(row) = rows.next()? else { break };
        newer = if row.get::<_, i64>(1).is_ok_and(|at| at <= ended_by(shortest)) { 0 } else { newer + 1 };
        if !row.get::<_, bool>(3)? {
            continue;
        }
        let ended = || {
            let over = over(row)?;
            let age = prune.retention.of(row.get_ref(4)?.as_str()?, JobState::Completed).age;
            Ok(age.is_some_and(|age| over.2 <= ended_by(age)).then_some(over))
        };
        found.extend(sound(ended(), ENDED)?.flatten());
    }
    Ok(())
}

/// The flags of jobs that say themselves how long they are kept.
const OWN_TIME: i64 = flag::RETAINED | flag::FLEETING;

/// The jobs of one end that don't say so: number, name and time of their end.
fn of_state(state: i64) -> String {
    if state == state::COMPLETED {
        format!("(SELECT seq AS job, name, finished_at FROM jobwork_jobs WHERE state = ?1 AND flags & {OWN_TIME} = 0)")
    } else {
        "(SELECT job, name, finished_at FROM jobwork_ended WHERE state = ?1 AND retained = 0)".to_owned()
    }
}

/// Adds the jobs of one end, name by name.
fn of_end(connection: &Connection, prune: &Prune, end: (i64, JobState), found: &mut Vec<Over>) -> rusqlite::Result<()> {
    let rows = of_state(end.0);
    let next = format!("SELECT name FROM {rows} WHERE name > ?2 ORDER BY name LIMIT 1");
    let mut names = connection.prepare_cached(&next)?;
    // No job has an empty name.
    let mut name = Raw::Text(Vec::new());
    while found.len() < prune.limit {
        let Some(next) = names.query_row(params![end.0, name], |row| row.get(0)).optional()? else { break };
        name = next;
        if let Some(name) = name.text() {
            of_name(connection, prune, (name, end), found)?;
        }
    }
    Ok(())
}

fn own_time_over(connection: &Connection, prune: &Prune) -> rusqlite::Result<Vec<Over>> {
    let mut statement = connection.prepare_cached(
        "SELECT j.seq, j.created_at, j.finished_at FROM jobwork_details d CROSS JOIN jobwork_jobs j ON j.seq = d.job
         WHERE d.kept_until IS NOT NULL AND d.kept_until <= ?1 ORDER BY d.kept_until LIMIT ?2",
    )?;
    all_sound(statement.query(params![millis(prune.now), limit(prune.limit)])?, ENDED, over)
}

/// Adds the jobs of one name and one end.
fn of_name(
    connection: &Connection,
    prune: &Prune,
    (name, (state, end)): (&str, (i64, JobState)),
    found: &mut Vec<Over>,
) -> rusqlite::Result<()> {
    let keep = prune.retention.of(name, end);
    let too_old = keep.age.map(|age| (millis(prune.now).saturating_sub(duration(age)), i64::MAX));
    let too_many = match keep.count {
        Some(count) => first_beyond(connection, name, state, count)?,
        None => None,
    };
    let Some((ended, seq)) = too_old.into_iter().chain(too_many).max() else { return Ok(()) };
    let rows = of_state(state);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT job, (SELECT created_at FROM jobwork_jobs WHERE seq = job), finished_at FROM {rows}
         WHERE name = ?2 AND finished_at <= ?3 AND (finished_at < ?3 OR job <= ?4) ORDER BY finished_at, job LIMIT ?5",
    ))?;
    let missing = limit(prune.limit.saturating_sub(found.len()));
    found.extend(all_sound(statement.query(params![state, name, ended, seq, missing])?, ENDED, over)?);
    Ok(())
}

/// The newest job that is not among the newest so many.
fn first_beyond(connection: &Connection, name: &str, state: i64, count: u64) -> rusqlite::Result<Option<(i64, i64)>> {
    let rows = of_state(state);
    connection
        .prepare_cached(&format!(
            "SELECT finished_at, job FROM {rows} WHERE name = ?2 ORDER BY finished_at DESC, job DESC LIMIT 1 OFFSET ?3",
        ))?
        .query_row(params![state, name, i64::try_from(count).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// What is passed by if it can't be read.
const ENDED: &str = "a job that has ended";

fn over(row: &Row<'_>) -> rusqlite::Result<Over> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Forgets those of the found jobs that nobody has touched since, and says how many.
pub(super) fn delete(db: &Db, found: &[Over], now: i64) -> rusqlite::Result<usize> {
    let mut deleted = 0;
    // Most are completed jobs of which nothing stands anywhere else.
    let mut plain = db.prepare(
        "DELETE FROM jobwork_jobs WHERE seq = ?1 AND created_at = ?2 AND state = 3 AND finished_at = ?3 AND flags = 0",
    )?;
    for (seq, created_at, finished_at) in found {
        if plain.execute([seq, created_at, finished_at])? > 0 {
            db.count_completed(-1);
            db.deleted(*seq);
            db.wake(Topic::Settled);
            deleted += 1;
            continue;
        }
        let still = db
            .prepare(
                "SELECT 1 FROM jobwork_jobs WHERE seq = ?1 AND created_at = ?2 AND state > 2 AND finished_at = ?3",
            )?
            .exists([seq, created_at, finished_at])?;
        let delete = || change::delete(db, job_id(*seq, *created_at), now);
        if still && matches!(or_undone(db, delete)?, Ok(true)) {
            deleted += 1;
        }
    }
    Ok(deleted)
}
