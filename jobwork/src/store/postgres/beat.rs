//! The life of workers: beats, and the rescue of those who died.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::Param;
use super::failure::Failed;
use super::hints::TOPICS;
use super::rows::{duration, millis};
use super::server::Server;
use super::session::Session;
use crate::job::JobId;
use crate::store::{Beat, BeatKind, Rescue, Signals, WorkerInfo};

/// A worker whose session is gone for this long has not come back: a living one dials again at once, and several times by then.
/// With two looks a second, this is at the third one.
const OVERDUE: Duration = Duration::from_millis(950);

/// The workers of this process.
static OURS: LazyLock<Mutex<HashSet<Uuid>>> = LazyLock::new(Mutex::default);

/// Writes a beat.
pub(super) async fn beat(server: &Server, session: &Session, beat: &Beat) -> Result<Signals, Failed> {
    let worker = beat.worker.id.as_uuid();
    let kind = match beat.kind {
        BeatKind::Join => "join",
        BeatKind::Live => "live",
        BeatKind::Leave => "leave",
    };
    if beat.kind != BeatKind::Live {
        session.remember(worker, beat.kind == BeatKind::Join);
        remember(worker, beat.kind == BeatKind::Join);
    }
    let info = serde_json::to_string(&*beat.worker).map_err(|error| Failed::Ours(error.to_string()))?;
    let connection = session.connection(server).await?;
    let locked = connection.is_some() && !server.options.pooled;
    let running = i64::try_from(beat.running).unwrap_or(i64::MAX);
    let (state, lease, now) = (beat.state.as_str(), duration(beat.lease), millis(beat.now));
    let params: [Param<'_>; 8] = [
        (&worker, Type::UUID),
        (&kind, Type::TEXT),
        (&info, Type::TEXT),
        (&state, Type::TEXT),
        (&running, Type::INT8),
        (&lease, Type::INT8),
        (&now, Type::INT8),
        (&locked, Type::BOOL),
    ];
    let statement = "SELECT gone, command, cancel FROM @.beat($1, $2, $3, $4, $5, $6, $7, $8)";
    let heard = match connection {
        Some(connection) => connection.ask(&server.sql(statement), &params).await?.pop(),
        None => Some(server.call_one(statement, &params).await?),
    };
    let heard = heard.ok_or_else(|| Failed::Ours("the server has no answer to a beat".to_owned()))?;
    if beat.kind == BeatKind::Leave {
        // What it still had is in the line again.
        server.changed();
        server.wake_own(&TOPICS);
    }
    let command: Option<String> = heard.get("command");
    let command = command.map(|word| serde_json::from_value(Value::String(word))).transpose();
    let cancel: Option<Vec<Uuid>> = heard.get("cancel");
    Ok(Signals {
        gone: heard.get("gone"),
        cancel: cancel.unwrap_or_default().into_iter().map(JobId::from).collect(),
        command: command.map_err(|error| Failed::Ours(error.to_string()))?,
    })
}

/// Workers whose lock nobody holds, since when that was first seen, and by which session of ours.
#[derive(Debug, Default)]
pub(super) struct Unlocked(Mutex<(u64, HashMap<i64, Instant>)>);

impl Unlocked {
    /// Those that have been so for too long. What our own session did not live to see counts for nothing: whatever ended that may
    /// have ended theirs.
    fn overdue(&self, session: Option<u64>) -> Vec<i64> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if session != Some(seen.0) {
            *seen = (session.unwrap_or(0), HashMap::new());
        }
        seen.1.iter().filter(|(_, since)| since.elapsed() >= OVERDUE).map(|(worker, _)| *worker).collect()
    }

    /// Notes who is unlocked now.
    fn see(&self, session: Option<u64>, unlocked: &[i64]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if session == Some(seen.0) {
            seen.1.retain(|worker, _| unlocked.contains(worker));
            for worker in unlocked {
                seen.1.entry(*worker).or_insert_with(Instant::now);
            }
        }
    }
}

/// Takes the jobs of dead workers from them.
pub(super) async fn rescue(
    server: &Server,
    session: &Arc<Session>,
    unlocked: &Unlocked,
    rescue: Rescue,
) -> Result<Vec<JobId>, Failed> {
    let number = session.number();
    let dead = unlocked.overdue(number);
    let answer = server
        .call_one(
            "SELECT rescued, unlocked, infos, next_expiry FROM @.rescue($1, $2, $3)",
            &[
                (&i64::from(rescue.poison_after), Type::INT8),
                (&millis(rescue.now), Type::INT8),
                (&dead, Type::INT8_ARRAY),
            ],
        )
        .await?;
    let rescued: Vec<Uuid> = answer.get("rescued");
    server.expiry.hear(answer.get("next_expiry"));
    if !rescued.is_empty() {
        server.changed();
        server.wake_own(&TOPICS);
    }
    let (keys, infos): (Vec<i64>, Vec<String>) = (answer.get("unlocked"), answer.get("infos"));
    let gone = keys.into_iter().zip(infos).filter(|(_, info)| !lives_here(info)).map(|(key, _)| key);
    unlocked.see(number, &gone.collect::<Vec<_>>());
    Ok(rescued.into_iter().map(JobId::from).collect())
}

fn remember(worker: Uuid, joins: bool) {
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    if joins {
        ours.insert(worker);
    } else {
        ours.remove(&worker);
    }
}

/// Whether the process of this worker is one of this machine, and lives, as far as the system says.
fn lives_here(info: &str) -> bool {
    let Ok(info) = serde_json::from_str::<WorkerInfo>(info) else { return false };
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if host.trim() != info.host {
        return false;
    }
    // In a container, a program that was started again has the number of the last one.
    if info.pid == std::process::id() {
        return OURS.lock().unwrap_or_else(PoisonError::into_inner).contains(&info.id.as_uuid());
    }
    // The number, the name in parentheses, and a letter for the state.
    let stat = fs::read_to_string(format!("/proc/{}/stat", info.pid)).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
