use jiff::Timestamp;
use rusqlite::params;

use super::rows::{job_id, millis, state};
use super::writer::Db;
use crate::error::{Error, Result};
use crate::job::{JobId, NewJob};
use crate::store::Topic;

/// Whether the jobs of a push refer to each other as they may.
pub(super) fn check(jobs: &[NewJob]) -> Result<()> {
    for (index, job) in jobs.iter().enumerate() {
        if let Some(wait) = job.waits.iter().find(|wait| wait.on >= index) {
            let problem = format!("job {index} of a push waits for job {}, expected one before it", wait.on);
            return Err(Error::store(problem));
        }
        if let Some(chain) = job.chain.as_ref().filter(|chain| chain.first >= jobs.len()) {
            let (first, count) = (chain.first, jobs.len());
            let problem = format!("job {index} of a push names job {first} as its chain's first of {count} jobs");
            return Err(Error::store(problem));
        }
    }
    Ok(())
}

/// Stores jobs that were checked.
pub(super) fn push(db: &Db, jobs: &[NewJob], now: Timestamp) -> rusqlite::Result<Vec<JobId>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let (first, now) = (next_seq(db)?, millis(now));
    for (seq, job) in (first..).zip(jobs) {
        insert(db, seq, first, job, now)?;
        for (place, wait) in job.waits.iter().enumerate() {
            let link = "INSERT INTO jobwork_links (parent, child, place, slot) VALUES (?1, ?2, ?3, ?4)";
            db.execute(link, params![first + wait.on as i64, seq, place as i64, wait.slot])?;
        }
    }
    if jobs.iter().any(|job| job.waits.is_empty()) {
        db.wake(Topic::Ready);
    }
    Ok((first..).take(jobs.len()).map(|seq| job_id(seq, now)).collect())
}

/// The number that the next row gets. Known beforehand, because the members of a chain name its first.
fn next_seq(db: &Db) -> rusqlite::Result<i64> {
    let last = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'jobwork_jobs'";
    db.prepare(last)?.query_row([], |row| row.get(0))
}

fn insert(db: &Db, seq: i64, first: i64, job: &NewJob, now: i64) -> rusqlite::Result<()> {
    let waits = job.waits.len() as i64;
    let state = if waits == 0 { state::READY } else { state::WAITING };
    let chain = job.chain.as_ref();
    let mut statement = db.prepare(
        "INSERT INTO jobwork_jobs
         (seq, state, name, queue, priority, run_at, created_at, retries, waits, chain, position, on_error, tags, args)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    statement.execute(params![
        seq,
        state,
        job.name,
        job.queue,
        job.priority,
        job.run_at.map_or(now, millis),
        now,
        job.retries,
        waits,
        chain.map(|chain| first + chain.first as i64),
        chain.map(|chain| chain.position),
        chain.and_then(|chain| chain.on_error.as_deref()),
        tags(job)?,
        job.args,
    ])?;
    Ok(())
}

fn tags(job: &NewJob) -> rusqlite::Result<Option<String>> {
    let some = (!job.tags.is_empty()).then_some(&job.tags);
    some.map(serde_json::to_string).transpose().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
