//! Forgetting jobs that were kept long enough. What is to go is found by a reader, in the indexes of ended jobs, so that
//! the writer, and with it every claim, is kept only for as long as deleting takes.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::change;
use super::rows::{duration, job_id, millis, state};
use super::writer::Db;
use crate::job::JobState;
use crate::store::Prune;

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
    let mut names = connection.prepare_cached(
        "SELECT name FROM jobwork_jobs WHERE state > 2 AND retain IS NULL AND name > ?1 ORDER BY name LIMIT 1",
    )?;
    // No job has an empty name.
    let mut name = String::new();
    while found.len() < prune.limit {
        let Some(next) = names.query_row([&name], |row| row.get(0)).optional()? else { break };
        name = next;
        for end in ENDS {
            of_name(connection, prune, (&name, end), &mut found)?;
        }
    }
    Ok(found)
}

fn own_time_over(connection: &Connection, prune: &Prune) -> rusqlite::Result<Vec<Over>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, created_at, finished_at FROM jobwork_jobs
         WHERE state > 2 AND retain IS NOT NULL AND finished_at + retain <= ?1
         ORDER BY finished_at + retain LIMIT ?2",
    )?;
    statement.query_map(params![millis(prune.now), limit(prune.limit)], over)?.collect()
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
    let mut statement = connection.prepare_cached(
        "SELECT seq, created_at, finished_at FROM jobwork_jobs
         WHERE state > 2 AND retain IS NULL AND name = ?1 AND state = ?2
            AND finished_at <= ?3 AND (finished_at < ?3 OR seq <= ?4)
         ORDER BY finished_at, seq LIMIT ?5",
    )?;
    let missing = limit(prune.limit.saturating_sub(found.len()));
    for over in statement.query_map(params![name, state, ended, seq, missing], over)? {
        found.push(over?);
    }
    Ok(())
}

/// The newest job that is not among the newest so many.
fn first_beyond(connection: &Connection, name: &str, state: i64, count: u64) -> rusqlite::Result<Option<(i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT finished_at, seq FROM jobwork_jobs
             WHERE state > 2 AND retain IS NULL AND name = ?1 AND state = ?2
             ORDER BY finished_at DESC, seq DESC LIMIT 1 OFFSET ?3",
        )?
        .query_row(params![name, state, i64::try_from(count).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

fn over(row: &Row<'_>) -> rusqlite::Result<Over> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Forgets those of the found jobs that nobody has touched since, and says how many.
pub(super) fn delete(db: &Db, found: &[Over], now: i64) -> rusqlite::Result<usize> {
    let mut deleted = 0;
    for (seq, created_at, finished_at) in found {
        let still = db
            .prepare(
                "SELECT 1 FROM jobwork_jobs WHERE seq = ?1 AND created_at = ?2 AND state > 2 AND finished_at = ?3",
            )?
            .exists([seq, created_at, finished_at])?;
        if still && change::delete(db, job_id(*seq, *created_at), now)? {
            deleted += 1;
        }
    }
    Ok(deleted)
}
