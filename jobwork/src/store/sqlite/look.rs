//! Looking at jobs: everything that only reads.

use std::collections::BTreeMap;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row};

use super::filter::Conditions;
use super::rows::{self, RECORD, job_state, malformed, mark_blocked, row_of, time};
use super::unreadable::{all_sound, sound};
use crate::job::{JobId, Record};
use crate::store::{Counts, Filter, QueueCounts, WorkerInfo, WorkerRecord, WorkerState};

pub(super) fn get(connection: &Connection, id: JobId, now: i64) -> rusqlite::Result<Option<Record>> {
    let Some(row) = row_of(id) else { return Ok(None) };
    let mut statement = connection.prepare_cached(&format!("{RECORD} WHERE j.seq = ?1 AND j.created_at = ?2"))?;
    let mut found = statement.query_row(row, |row| rows::record(row, now)).optional()?;
    found.iter_mut().try_for_each(|record| mark_blocked(connection, record))?;
    Ok(found)
}

fn records(connection: &Connection, rest: &str, params: &[&dyn ToSql], now: i64) -> rusqlite::Result<Vec<Record>> {
    let mut statement = connection.prepare_cached(&format!("{RECORD} {rest}"))?;
    let mut records = all_sound(statement.query(params)?, "a job", |row| rows::record(row, now))?;
    records.iter_mut().try_for_each(|record| mark_blocked(connection, record))?;
    Ok(records)
}

pub(super) fn list(connection: &Connection, filter: &Filter, now: i64) -> rusqlite::Result<Vec<Record>> {
    let mut conditions = Conditions::of(filter, now);
    let limit = conditions.name(filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX)));
    let rest = format!("WHERE {} ORDER BY j.seq DESC LIMIT {limit}", conditions.text());
    records(connection, &rest, &conditions.values(), now)
}

pub(super) fn chain(connection: &Connection, id: JobId, now: i64) -> rusqlite::Result<Vec<Record>> {
    let Some(job) = get(connection, id, now)? else { return Ok(Vec::new()) };
    let Some((first, _)) = job.chain.as_ref().and_then(|member| row_of(member.chain)) else { return Ok(vec![job]) };
    records(connection, "WHERE d.chain IS NOT NULL AND d.chain = ?1 ORDER BY d.position, j.seq", &[&first], now)
}

/// Answered from the lines, and a total that each write of an end keeps.
pub(super) fn counts(connection: &Connection, now: i64) -> rusqlite::Result<Counts> {
    let mut statement = connection.prepare_cached(
        "SELECT 0, 0, count(*) FROM jobwork_jobs WHERE waits > 0 AND state = 0
         UNION ALL SELECT 1, 9223372036854775807, count(*) FROM jobwork_ready WHERE run_at > ?1
         UNION ALL SELECT 1, 0, count(*) FROM jobwork_ready WHERE run_at <= ?1
         UNION ALL SELECT 1, 0, count(*) FROM jobwork_held WHERE let_out = 0
         UNION ALL SELECT 2, 0, count(*) FROM jobwork_running
         UNION ALL SELECT 3, 0, completed FROM jobwork_totals
         UNION ALL SELECT state, 0, count(*) FROM jobwork_ended GROUP BY state",
    )?;
    let mut counts = Counts::default();
    let mut found = statement.query([now])?;
    while let Some(row) = found.next()? {
        let counted = || Ok((job_state(row.get(0)?, row.get(1)?, now), row.get::<_, i64>(2)?.unsigned_abs()));
        if let Some((state, count)) = sound(counted(), "the state of ended jobs")? {
            *counts.of(state) += count;
        }
    }
    Ok(counts)
}

pub(super) fn queues(connection: &Connection, now: i64) -> rusqlite::Result<Vec<QueueCounts>> {
    let mut statement = connection.prepare_cached(
        "SELECT queue, 0, 0, count(*), NULL FROM jobwork_jobs WHERE waits > 0 AND state = 0 GROUP BY queue
         UNION ALL SELECT queue, 1, 1, count(*), NULL FROM jobwork_ready WHERE run_at > ?1 GROUP BY queue
         UNION ALL SELECT queue, 1, 0, count(*), min(run_at) FROM jobwork_ready WHERE run_at <= ?1 GROUP BY queue
         UNION ALL SELECT queue, 1, 0, count(*), min(run_at) FROM jobwork_held WHERE let_out = 0 GROUP BY queue
         UNION ALL SELECT queue, 2, 0, count(*), NULL FROM jobwork_running GROUP BY queue",
    )?;
    let mut queues: BTreeMap<String, QueueCounts> = BTreeMap::new();
    let mut found = statement.query([now])?;
    while let Some(row) = found.next()? {
        let Some(name) = sound::<String>(row.get(0), "the name of a queue")? else { continue };
        let counts = queues.entry(name).or_insert_with_key(|name| QueueCounts::empty(name));
        let count = row.get::<_, i64>(3)?.unsigned_abs();
        match (row.get(1)?, row.get(2)?) {
            (0, _) => counts.waiting = count,
            (1, true) => counts.scheduled = count,
            (1, false) => {
                let oldest = row.get::<_, Option<i64>>(4).unwrap_or_default().map(time);
                counts.ready += count;
                counts.oldest_due = counts.oldest_due.into_iter().chain(oldest).min();
            }
            _ => counts.running = count,
        }
    }
    Ok(queues.into_values().collect())
}

pub(super) fn workers(connection: &Connection) -> rusqlite::Result<Vec<WorkerRecord>> {
    let workers = "SELECT info, state, running, last_beat, expires_at FROM jobwork_workers ORDER BY key";
    all_sound(connection.prepare_cached(workers)?.query([])?, "a worker", worker)
}

fn worker(row: &Row<'_>) -> rusqlite::Result<WorkerRecord> {
    let info: WorkerInfo = serde_json::from_str(&row.get::<_, String>(0)?).map_err(|error| malformed(0, error))?;
    let state: String = row.get(1)?;
    let state: WorkerState = serde_json::from_value(state.into()).map_err(|error| malformed(1, error))?;
    let running = row.get::<_, i64>(2)?.unsigned_abs() as usize;
    Ok(WorkerRecord { info, state, running, last_beat: time(row.get(3)?), expires_at: time(row.get(4)?) })
}
