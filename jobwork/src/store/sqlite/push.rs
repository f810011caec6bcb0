use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::params;

use super::db::Db;
use super::new_rows::is_plain;
use super::rows::{flag, job_id, millis, state};
use super::{batches, details, ordered, ready, unique};
use crate::error::Result;
use crate::job::NewJob;
use crate::store::places::Part;
use crate::store::{Push, Pushed, Stored, Topic};

/// Stores jobs that were checked; nothing of them when the unique key of one is taken and it can't be left out.
pub(super) fn push(db: &Db, push: &Arc<Push>) -> rusqlite::Result<Result<Stored>> {
    let may_fail = push.jobs.iter().any(|job| job.flow.unique.is_some());
    if may_fail { db.undoable(|| store(db, push)) } else { store(db, push) }
}

fn store(db: &Db, push: &Arc<Push>) -> rusqlite::Result<Result<Stored>> {
    let Push { jobs, now, .. } = &**push;
    let mut batches = match batches::open(db, push)? {
        Ok(batches) => batches,
        Err(refused) => return Ok(Err(refused)),
    };
    let (first, now) = (db.next_seq(jobs.len())?, millis(*now));
    db.at(now);
    let awaited: HashSet<usize> = jobs.iter().flat_map(|job| &job.waits).map(|wait| wait.on).collect();
    let mut stored = Vec::with_capacity(jobs.len());
    for ((index, job), seq) in jobs.iter().enumerate().zip(first..) {
        let awaited = awaited.contains(&index);
        let needed = awaited || job.chain.is_some() || !job.waits.is_empty() || batches.calls(index);
        match unique::existing(db, job, needed, first, now)? {
            Ok(None) => stored.push(Pushed::New(job_id(seq, now))),
            Ok(Some(existing)) => {
                stored.push(Pushed::Existing(existing));
                continue;
            }
            Err(duplicate) => return Ok(Err(duplicate)),
        }
        let batch = batches.admit(index);
        if !awaited && batch.is_none() && is_plain(job) {
            db.new_rows.add(seq, push, index);
            continue;
        }
        insert(db, seq, job, awaited, batch, now)?;
        details::insert(db, seq, first, job, batch)?;
        wait(db, seq, first, job)?;
        share(db, seq, job, now)?;
        ready::enter(db, seq)?;
    }
    if jobs.iter().any(|job| job.waits.is_empty()) {
        db.wake(Topic::Ready);
    }
    let batches = batches::store(db, &batches, push, first)?;
    Ok(Ok(Stored::new(stored, batches)))
}

/// Writes what a new job waits for.
fn wait(db: &Db, seq: i64, first: i64, job: &NewJob) -> rusqlite::Result<()> {
    for (place, wait) in job.waits.iter().enumerate() {
        let link = "INSERT INTO jobwork_links (parent, child, place, slot) VALUES (?1, ?2, ?3, ?4)";
        db.execute(link, params![first + wait.on as i64, seq, place as i64, wait.slot])?;
    }
    Ok(())
}

/// Writes what a new job shares with others.
fn share(db: &Db, seq: i64, job: &NewJob, now: i64) -> rusqlite::Result<()> {
    if let Some(unique) = &job.flow.unique {
        unique::hold(db, seq, unique, now)?;
    }
    if let Some(key) = &job.flow.ordered {
        ordered::enter(db, seq, key)?;
    }
    Ok(())
}

fn insert(
    db: &Db,
    seq: i64,
    job: &NewJob,
    awaited: bool,
    batch: Option<(u64, Part)>,
    now: i64,
) -> rusqlite::Result<()> {
    let flags = details::flags(job, batch) | if awaited { flag::AWAITED } else { 0 };
    let waits = job.waits.len() as i64 + batch.map_or(0, |(_, part)| i64::from(part.waits()));
    let state = if waits == 0 { state::READY } else { state::WAITING };
    let run_at = job.run_at.map_or(now, millis);
    db.execute(
        "INSERT INTO jobwork_jobs (seq, state, flags, name, version, queue, priority, run_at, created_at, retries, waits, args)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            seq, state, flags, job.name, job.version, job.queue, job.priority, run_at, now, job.retries, waits, job.args
        ],
    )?;
    Ok(())
}
