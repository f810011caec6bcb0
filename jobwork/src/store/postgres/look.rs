//! Looking at jobs: everything that only reads.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::filter::Conditions;
use super::finish::failure_of;
use super::rows::{self, job_state, row_of, time, unsigned};
use super::server::Server;
use crate::job::{Attempt, JobId, Record, WorkerId};
use crate::store::{Counts, Filter, QueueCounts, WorkerInfo, WorkerRecord, WorkerState};

pub(super) async fn get(server: &Server, ids: &[JobId], now: i64) -> Result<Vec<Option<Record>>, Failed> {
    let seqs: Vec<i64> = ids.iter().map(|id| row_of(*id).0).collect();
    let found = server.call("SELECT * FROM @.records WHERE seq = ANY ($1)", &[(&seqs, Type::INT8_ARRAY)]).await?;
    let found: HashMap<JobId, Record> =
        found.iter().map(|row| rows::record(row, now)).map(|record| (record.id, record)).collect();
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

pub(super) async fn list(server: &Server, filter: &Filter, now: i64) -> Result<Vec<Record>, Failed> {
    let mut conditions = Conditions::of(filter, now);
    let most = filter.limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let limit = conditions.name(most, Type::INT8);
    let sql = format!("SELECT * FROM @.records WHERE {} ORDER BY seq DESC LIMIT {limit}", conditions.text());
    Ok(server.call(&sql, &conditions.values()).await?.iter().map(|row| rows::record(row, now)).collect())
}

pub(super) async fn chain(server: &Server, id: JobId, now: i64) -> Result<Vec<Record>, Failed> {
    let Some(job) = get(server, &[id], now).await?.pop().flatten() else { return Ok(Vec::new()) };
    let Some(first) = job.chain.as_ref().map(|member| row_of(member.chain).0) else { return Ok(vec![job]) };
    let members = "SELECT * FROM @.records WHERE chain = $1 ORDER BY place, seq";
    let found = server.call(members, &[(&first, Type::INT8)]).await?;
    Ok(found.iter().map(|row| rows::record(row, now)).collect())
}

/// A job's history, oldest first.
pub(super) async fn history(server: &Server, id: JobId) -> Result<Vec<Attempt>, Failed> {
    let (seq, created_at) = row_of(id);
    let found = server
        .call(
            "SELECT a.attempt, a.worker, a.at, a.outcome, a.failure FROM @.attempts a JOIN @.stored j ON j.seq = a.job
             WHERE j.seq = $1 AND j.created_at = $2 ORDER BY a.entry",
            &[(&seq, Type::INT8), (&created_at, Type::INT8)],
        )
        .await?;
    Ok(readable(&found, "an attempt", attempt))
}

fn attempt(row: &Row) -> Result<Attempt, Failed> {
    let failure: Option<&str> = row.get("failure");
    let failure = failure.map(failure_of).transpose().map_err(malformed)?;
    let (number, worker) = (unsigned(row.get("attempt")), WorkerId::from(row.get::<_, uuid::Uuid>("worker")));
    Ok(Attempt::new(number, worker, time(row.get("at")), row.get("outcome"), failure))
}

/// How many jobs of each state there are, in which queues; `$1` is the time. Completed ones are counted as they complete.
const OPEN: &str = "SELECT queue, 0::smallint AS state, 0::bigint AS due, count(*) AS jobs, NULL::bigint AS oldest
    FROM @.jobs WHERE waits > 0 AND state = 0 GROUP BY queue
    UNION ALL SELECT queue, 1::smallint, CASE WHEN run_at > $1 THEN $1 + 1 ELSE 0 END, count(*), min(run_at)
    FROM @.ready GROUP BY queue, run_at > $1, 3
    UNION ALL SELECT queue, 1::smallint, 0, count(*), min(run_at) FROM @.held WHERE NOT let_out GROUP BY queue
    UNION ALL SELECT j.queue, 2::smallint, 0, count(*), NULL FROM @.workers w, LATERAL @.running_jobs(w.key) AS r
    JOIN @.jobs j ON j.seq = r.seq GROUP BY j.queue";

pub(super) async fn counts(server: &Server, now: i64) -> Result<Counts, Failed> {
    let sql = format!(
        "SELECT state, due, jobs FROM ({OPEN}) AS open
         UNION ALL SELECT 3::smallint, 0, coalesce(sum(completed), 0)::bigint FROM @.totals
         UNION ALL SELECT state, 0, count(*) FROM @.ended WHERE state > 3 GROUP BY state"
    );
    let mut counts = Counts::default();
    for row in server.call(&sql, &[(&now, Type::INT8)]).await? {
        *counts.of(job_state(row.get(0), row.get(1), now)) += row.get::<_, i64>(2).unsigned_abs();
    }
    Ok(counts)
}

pub(super) async fn queues(server: &Server, now: i64) -> Result<Vec<QueueCounts>, Failed> {
    let mut queues: BTreeMap<String, QueueCounts> = BTreeMap::new();
    for row in server.call(OPEN, &[(&now, Type::INT8)]).await? {
        let name: String = row.get("queue");
        let counts = queues.entry(name).or_insert_with_key(|name| QueueCounts::empty(name));
        let count = row.get::<_, i64>("jobs").unsigned_abs();
        match (row.get::<_, i16>("state"), row.get::<_, i64>("due") > now) {
            (0, _) => counts.waiting = count,
            (1, true) => counts.scheduled = count,
            (1, false) => {
                let oldest = row.get::<_, Option<i64>>("oldest").map(time);
                counts.ready += count;
                counts.oldest_due = counts.oldest_due.into_iter().chain(oldest).min();
            }
            _ => counts.running = count,
        }
    }
    Ok(queues.into_values().collect())
}

pub(super) async fn workers(server: &Server) -> Result<Vec<WorkerRecord>, Failed> {
    let all = "SELECT info, state, running, last_beat, expires_at FROM @.workers ORDER BY key";
    Ok(readable(&server.call(all, &[]).await?, "a worker", worker))
}

fn worker(row: &Row) -> Result<WorkerRecord, Failed> {
    let info: WorkerInfo = serde_json::from_str(row.get("info")).map_err(malformed)?;
    let state: WorkerState = serde_json::from_value(Value::String(row.get("state"))).map_err(malformed)?;
    let running = usize::try_from(row.get::<_, i64>("running")).unwrap_or(0);
    Ok(WorkerRecord {
        info,
        state,
        running,
        last_beat: time(row.get("last_beat")),
        expires_at: time(row.get("expires_at")),
    })
}

/// What can be read of these rows: one that holds somebody else's text is passed by, and logged.
pub(super) fn readable<T>(rows: &[Row], what: &str, read: impl Fn(&Row) -> Result<T, Failed>) -> Vec<T> {
    let passed = |error| tracing::error!(%error, "passing by {what} that can't be read");
    rows.iter().filter_map(|row| read(row).map_err(passed).ok()).collect()
}

/// A column whose text is not what we wrote there.
pub(super) fn malformed(error: serde_json::Error) -> Failed {
    Failed::Ours(format!("a stored value is not what jobwork writes: {error}"))
}
