//! Workers whose sessions are gone: the dead are robbed at once, and the living when their lease ends.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::postgres::Postgres;
use jobwork::store::{Beat, BeatKind, Rescue, Signals, Store, Upkeep, WorkerInfo, WorkerState};
use jobwork::{JobId, JobState, WorkerId};
use jobwork_tests::postgres::proxy::{Fate, Proxy};
use jobwork_tests::postgres::{Schema, connect, fresh_schema};

use super::setting::{claim, push, states, until};

/// A worker, as it says of itself.
fn worker(host: &str, pid: u32) -> Arc<WorkerInfo> {
    let (id, queues, started_at) = (WorkerId::fresh(), Vec::new(), Timestamp::now());
    Arc::new(WorkerInfo { id, host: host.to_owned(), pid, queues, concurrency: 1, started_at })
}

fn here() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

async fn beat(store: &Postgres, worker: &Arc<WorkerInfo>, kind: BeatKind) -> Signals {
    let (state, lease) = (WorkerState::Running, Duration::from_secs(600));
    store
        .beat(Beat { worker: Arc::clone(worker), kind, state, running: 0, lease, now: Timestamp::now() })
        .await
        .unwrap()
}

async fn rescue(store: &Postgres, now: Timestamp) -> Vec<JobId> {
    store.rescue(Rescue { poison_after: 3, now }).await.unwrap()
}

/// Two stores on one schema, one of them by way of a proxy.
struct Setting {
    schema: Schema,
    proxy: Proxy,
    cut_off: Postgres,
    other: Postgres,
}

impl Setting {
    async fn new() -> Self {
        let schema = fresh_schema().await;
        let proxy = Proxy::start(&schema.url).await;
        let (cut_off, other) = (Postgres::open(&proxy.url).await.unwrap(), Postgres::open(&schema.url).await.unwrap());
        Self { schema, proxy, cut_off, other }
    }

    /// The sessions that have locks of workers.
    async fn locked_by(&self) -> Vec<i32> {
        let query = "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = worker_lock()::oid
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY pid";
        connect(&self.schema.url).await.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// A worker of the store that will be cut off, and its job.
    async fn working(&self, worker: &Arc<WorkerInfo>) -> JobId {
        beat(&self.cut_off, worker, BeatKind::Join).await;
        let job = push(&self.other, 1).await[0];
        assert_eq!(claim(&self.cut_off, worker.id).await.len(), 1);
        job
    }

    /// Ends the sessions with locks, from the server's side.
    async fn end_sessions(&self) {
        let client = connect(&self.schema.url).await;
        for pid in self.locked_by().await {
            client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn only_the_dead_are_robbed_when_sessions_end_and_do_not_come_back() {
    let setting = Setting::new().await;
    let mut child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
    let dead = {
        let mut dead = Command::new("true").spawn().unwrap();
        dead.wait().unwrap();
        dead.id()
    };
    // A program of the same number was here before this one, and its worker is none of this one's.
    let before = worker(&here(), std::process::id());
    let workers = [
        worker("elsewhere", 1),
        worker(&here(), dead),
        worker(&here(), child.id()),
        worker(&here(), std::process::id()),
    ];
    let mut jobs = Vec::new();
    for worker in &workers {
        jobs.push(setting.working(worker).await);
    }
    connect(&setting.schema.url)
        .await
        .execute(
            "UPDATE workers SET id = $1::text::uuid, info = replace(info, $2, $1) WHERE id = $2::text::uuid",
            &[&before.id.to_string(), &workers[3].id.to_string()],
        )
        .await
        .unwrap();
    setting.proxy.set_starting(true);
    setting.end_sessions().await;
    let mut rescued = Vec::new();
    while rescued.len() < 3 {
        rescued.extend(rescue(&setting.other, Timestamp::now()).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    rescued.sort();
    assert_eq!(rescued, [jobs[0], jobs[1], jobs[3]], "of {jobs:?}");
    assert_eq!(states(&setting.other, &jobs[2..3]).await, [(JobState::Running, 1)]);
    let lease_is_over = Timestamp::now() + Duration::from_secs(601);
    assert_eq!(rescue(&setting.other, lease_is_over).await, [jobs[2]]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_worker_whose_session_is_ended_dials_again_and_keeps_its_jobs() {
    let setting = Setting::new().await;
    let (living, dead) = (worker("elsewhere", 1), worker("elsewhere", 2));
    let job = setting.working(&living).await;
    let gone = Postgres::open(&setting.schema.url).await.unwrap();
    beat(&gone, &dead, BeatKind::Join).await;
    let lost = push(&setting.other, 1).await[0];
    assert_eq!(claim(&gone, dead.id).await.len(), 1);
    let sessions = setting.locked_by().await;
    assert_eq!(sessions.len(), 2);
    setting.end_sessions().await;
    drop(gone);
    until(async || (setting.locked_by().await.len() == 1).then_some(())).await;
    // The dead one is robbed; by then the living one would have been too.
    let rescued =
        until(async || Some(rescue(&setting.other, Timestamp::now()).await).filter(|jobs| !jobs.is_empty())).await;
    assert_eq!(rescued, [lost]);
    assert_eq!(states(&setting.other, &[job]).await, [(JobState::Running, 1)]);
    assert!(!beat(&setting.cut_off, &living, BeatKind::Live).await.gone);
}

#[tokio::test]
async fn a_session_whose_end_the_server_has_not_noticed_is_replaced() {
    let setting = Setting::new().await;
    let living = worker("elsewhere", 1);
    setting.working(&living).await;
    let before = setting.locked_by().await;
    setting.proxy.set_trap(".beat(", Fate::Delay);
    let (state, lease, kind) = (WorkerState::Running, Duration::from_secs(600), BeatKind::Live);
    let cut = Beat { worker: Arc::clone(&living), kind, state, running: 0, lease, now: Timestamp::now() };
    setting.cut_off.beat(cut).await.unwrap_err();
    let after =
        until(async || Some(setting.locked_by().await).filter(|sessions| !sessions.is_empty() && *sessions != before));
    assert_eq!(after.await.len(), 1);
}

#[tokio::test]
async fn a_worker_that_was_made_known_without_a_session_has_a_lock_when_there_is_one() {
    let setting = Setting::new().await;
    let living = worker("elsewhere", 1);
    setting.working(&living).await;
    connect(&setting.schema.url).await.execute("UPDATE workers SET locked = false", &[]).await.unwrap();
    setting.end_sessions().await;
    until(async || (setting.locked_by().await.len() == 1).then_some(())).await;
    beat(&setting.cut_off, &living, BeatKind::Live).await;
    let locked: bool =
        connect(&setting.schema.url).await.query_one("SELECT locked FROM workers", &[]).await.unwrap().get(0);
    assert!(locked);
}
