//! What few jobs have, in a table beside the jobs, so that the others don't carry it along.

use rusqlite::params;

use super::db::Db;
use super::limits;
use super::rows::{duration, flag, millis};
use crate::job::NewJob;
use crate::store::places::Part;

/// What is special about a new job, as far as its row of details says it.
pub(super) fn flags(job: &NewJob, batch: Option<(u64, Part)>) -> i64 {
    let fleeting = job.retain.is_some_and(|time| time.is_zero());
    [
        (!job.flow.limits.is_empty(), flag::LIMITED),
        (batch.is_some(), flag::BATCHED),
        (fleeting, flag::FLEETING),
        (job.retain.is_some() && !fleeting, flag::RETAINED),
        (job.expires_at.is_some(), flag::EXPIRES),
        (true, flag::DETAILED),
    ]
    .into_iter()
    .fold(0, |flags, (is_so, flag)| if is_so { flags | flag } else { flags })
}

/// Writes the details of a new job. `first` is the number of the push's first row.
pub(super) fn insert(db: &Db, seq: i64, first: i64, job: &NewJob, batch: Option<(u64, Part)>) -> rusqlite::Result<()> {
    let chain = job.chain.as_ref();
    db.execute(
        "INSERT INTO jobwork_details
         (job, tags, chain, position, on_error, expires_at, may_expire, retry_until, retain, batch, standing, limits)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6 IS NOT NULL, ?7, ?8, ?9, ?10, ?11)",
        params![
            seq,
            tags(job)?,
            chain.map(|chain| first + chain.first as i64),
            chain.map(|chain| chain.position),
            chain.and_then(|chain| chain.on_error.as_deref()),
            job.expires_at.map(millis),
            job.retry_until.map(millis),
            job.retain.map(duration),
            batch.map(|(batch, _)| batch as i64),
            batch.filter(|(_, part)| *part == Part::Member).map(|_| 0),
            limits::text(&job.flow.limits)?,
        ],
    )?;
    Ok(())
}

fn tags(job: &NewJob) -> rusqlite::Result<Option<String>> {
    let some = (!job.tags.is_empty()).then_some(&job.tags);
    some.map(serde_json::to_string).transpose().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Forgets the details of a job that is deleted.
pub(super) fn forget(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM jobwork_details WHERE job = ?1", [seq])?;
    Ok(())
}
