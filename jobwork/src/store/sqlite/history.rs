use rusqlite::{Connection, Row, params};

use super::db::Db;
use super::rows::{malformed, row_of, time};
use super::unreadable::all_sound;
use crate::job::{Attempt, Failure, JobId};

/// An attempt whose end is worth remembering.
pub(super) struct Entry<'a> {
    pub(super) seq: i64,
    pub(super) attempt: i64,
    /// The key of the worker that ran it.
    pub(super) worker: i64,
    pub(super) at: i64,
    pub(super) outcome: &'a str,
    pub(super) failure: Option<&'a Failure>,
}

/// Puts an attempt into its job's history.
pub(super) fn remember(db: &Db, entry: &Entry<'_>) -> rusqlite::Result<()> {
    let failure = entry.failure.map(serde_json::to_string).transpose();
    let failure = failure.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    db.execute(
        "INSERT INTO jobwork_attempts (job, attempt, worker, at, outcome, failure)
         SELECT ?1, ?2, id, ?4, ?5, ?6 FROM jobwork_workers WHERE key = ?3",
        params![entry.seq, entry.attempt, entry.worker, entry.at, entry.outcome, failure],
    )?;
    Ok(())
}

/// A job's history, oldest first.
pub(super) fn read(connection: &Connection, id: JobId) -> rusqlite::Result<Vec<Attempt>> {
    let mut statement = connection.prepare_cached(
        "SELECT a.attempt, a.worker, a.at, a.outcome, a.failure
         FROM jobwork_attempts a JOIN jobwork_jobs j ON j.seq = a.job
         WHERE j.seq = ?1 AND j.created_at = ?2 ORDER BY a.entry",
    )?;
    let Some(row) = row_of(id) else { return Ok(Vec::new()) };
    all_sound(statement.query(row)?, "an attempt", attempt)
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let worker: String = row.get(1)?;
    let worker = worker.parse().map_err(|error| malformed(1, error))?;
    let failure: Option<String> = row.get(4)?;
    let failure = failure.map(|failure| serde_json::from_str(&failure).map_err(|error| malformed(4, error)));
    Ok(Attempt::new(row.get(0)?, worker, time(row.get(2)?), row.get(3)?, failure.transpose()?))
}
