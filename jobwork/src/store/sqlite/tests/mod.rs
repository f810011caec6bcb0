//! What only this store promises, looked at from inside.

mod refused;
mod standing;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::turn::Turns;
use super::{Sqlite, open as file};
use crate::job::{Claimed, Finished, JobState, NewJob, Outcome, Wait, WorkerId};
use crate::store::{Beat, BeatKind, Claim, Push, Rescue, Served, Settled, Store, Topic, WorkerInfo, WorkerState};

const LEASE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

async fn open(directory: &TempDir) -> Sqlite {
    Sqlite::open(directory.path().join("jobs.db")).await.unwrap()
}

fn a_beat(worker: WorkerId, kind: BeatKind, seconds: i64) -> Beat {
    let info = WorkerInfo {
        id: worker,
        host: "here".to_owned(),
        pid: 1,
        queues: Vec::new(),
        concurrency: 1,
        started_at: at(0),
    };
    Beat { worker: Arc::new(info), kind, state: WorkerState::Running, running: 0, lease: LEASE, now: at(seconds) }
}

async fn join(store: &Sqlite) -> WorkerId {
    let worker = WorkerId::fresh();
    store.beat(a_beat(worker, BeatKind::Join, 0)).await.unwrap();
    worker
}

async fn claim(store: &Sqlite, worker: WorkerId, seconds: i64) -> Vec<Claimed> {
    let names = Arc::new([Served { name: "job".to_owned(), version: 1 }]);
    let claim = Claim::new(worker, names, 100, at(seconds));
    store.claim(claim).await.unwrap().jobs
}

fn done(job: &Claimed, outcome: Outcome) -> Arc<[Finished]> {
    Arc::new([Finished { lease: job.lease, outcome, at: at(1) }])
}

fn job() -> NewJob {
    NewJob::new("job", "{}")
}

#[tokio::test]
async fn a_job_outlives_the_handles_of_its_file() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let ids = store.push(Push::of(vec![job()], at(0))).await.unwrap().ids();
    drop(store);
    let store = open(&directory).await;
    let worker = join(&store).await;
    let jobs = claim(&store, worker, 0).await;
    assert_eq!(jobs.iter().map(|job| job.lease.job).collect::<Vec<_>>(), ids);
    let output = Outcome::Completed { output: "7".to_owned() };
    assert_eq!(store.finish(done(&jobs[0], output)).await.unwrap(), [Settled::Stored]);
    drop(store);
    let store = open(&directory).await;
    let found = store.inspect().unwrap().get(&ids, at(2)).await.unwrap().remove(0).unwrap();
    assert_eq!((found.state, found.output.as_deref()), (JobState::Completed, Some("7")));
}

#[tokio::test]
async fn handles_of_one_file_share_one_writer() {
    let directory = TempDir::new().unwrap();
    let (one, other) = (open(&directory).await, open(&directory).await);
    assert!(Arc::ptr_eq(&one.0, &other.0));
}

#[tokio::test]
async fn waiting_for_work_and_living_write_nothing() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let worker = join(&store).await;
    let observer = super::open::connect(store.path()).unwrap();
    let version = || observer.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    assert!(claim(&store, worker, 1).await.is_empty());
    store.beat(a_beat(worker, BeatKind::Live, 5)).await.unwrap();
    store.upkeep().unwrap().rescue(Rescue { poison_after: 3, now: at(5) }).await.unwrap();
    assert_eq!(store.upkeep().unwrap().expire(at(5), 10).await.unwrap(), 0);
    assert_eq!(version(), before);
    store.beat(a_beat(worker, BeatKind::Live, 11)).await.unwrap();
    assert_ne!(version(), before, "a third of the lease has passed");
}

/// How SQLite goes about a query.
async fn plan(query: &str) -> String {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let file = super::open::connect(store.path()).unwrap();
    let mut statement = file.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>(3).unwrap());
    }
    steps.join("; ")
}

#[tokio::test]
async fn a_claim_reads_only_the_rows_that_it_takes_however_many_are_due() {
    // One step, along a table that has every column: nothing is sorted, and reading ends with the limit.
    let along = "SEARCH jobwork_ready USING PRIMARY KEY (queue=? AND priority=? AND run_at<?)";
    assert_eq!(plan(super::scan::DUE).await, along);
}

#[tokio::test]
async fn jobs_leave_their_lines_without_a_look_at_others() {
    let ready = "SEARCH jobwork_ready USING PRIMARY KEY (queue=? AND priority=? AND run_at=? AND seq=?)";
    let ended = "SEARCH jobwork_ended USING PRIMARY KEY (state=? AND name=? AND finished_at=? AND job=?)";
    for (leave, along) in [(super::ready::LEAVE, ready), (super::ended::LEAVE, ended)] {
        let steps = plan(leave).await;
        assert!(steps.starts_with(along), "{steps}");
        assert!(steps.ends_with("SEARCH jobwork_jobs USING INTEGER PRIMARY KEY (rowid=?)"), "{steps}");
    }
    let steps = plan(super::ready::LEAVE_TOGETHER).await;
    assert!(
        steps.starts_with("SEARCH jobwork_ready USING PRIMARY KEY (queue=? AND priority=? AND (run_at,seq)>"),
        "{steps}"
    );
}

#[tokio::test]
async fn looking_at_jobs_reads_no_others_and_sorts_nothing() {
    let record = super::rows::RECORD;
    let one = plan(&format!("{record} WHERE j.seq = 1")).await;
    let list = plan(&format!("{record} WHERE j.name = 'job' ORDER BY j.seq DESC LIMIT 9")).await;
    for (steps, along) in [(one, "SEARCH j USING INTEGER PRIMARY KEY (rowid=?)"), (list, "SCAN j")] {
        assert!(steps.starts_with(along) && !steps.contains("MATERIALIZE") && !steps.contains("B-TREE"), "{steps}");
    }
}

#[tokio::test]
async fn the_jobs_of_a_worker_are_read_along_its_claims() {
    let along = "SCAN c; SCAN r VIRTUAL TABLE INDEX 1:; SEARCH j USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
    assert_eq!(plan("SELECT seq FROM jobwork_running WHERE worker = 1").await, along);
}

#[tokio::test]
async fn looking_for_expired_jobs_reads_no_others() {
    let along = "SEARCH jobwork_details USING COVERING INDEX jobwork_expiring (expires_at<?)";
    assert_eq!(plan(super::expire::EXPIRED_ONES).await, along);
}

#[tokio::test]
async fn a_push_that_makes_no_sense_stores_nothing() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let mut second = job();
    second.waits.push(Wait { on: 1, slot: None });
    let refused = store.push(Push::of(vec![job(), second], at(0))).await.unwrap_err();
    assert!(refused.to_string().contains("job 1 of a push waits for job 1"), "{refused}");
    assert_eq!(store.inspect().unwrap().counts(at(0)).await.unwrap().open(), 0);
}

#[tokio::test]
async fn another_connections_commit_wakes_whoever_listens() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let mut wakeups = store.wakeups(Topic::Settled);
    let stranger = super::open::connect(store.path()).unwrap();
    // Hints from before the watch had its first look don't count as somebody's commit.
    wakeups.changed().await;
    stranger.execute_batch("CREATE TABLE strangers (n INTEGER)").unwrap();
    wakeups.changed().await;
}

#[tokio::test]
async fn the_number_of_a_job_that_was_deleted_is_not_given_to_one_that_is_pushed_in_the_same_write() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let old = store.push(Push::of(vec![job()], at(0))).await.unwrap().ids();
    let push = Arc::new(Push::of(vec![job()], at(0)));
    let deleted = old[0];
    let both = store.writer().write(move |db| {
        super::change::delete(db, deleted, 0)?;
        super::push::push(db, &push)
    });
    assert_ne!(both.await.unwrap().unwrap().ids(), old);
}

#[tokio::test]
async fn a_claim_is_kept_until_the_last_of_its_jobs_has_come_back() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let (worker, leaving) = (join(&store).await, join(&store).await);
    let file = super::open::connect(store.path()).unwrap();
    let count = |table: &str| file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
    let claims = || (count("jobwork_claims").unwrap(), count("jobwork_running").unwrap());
    store.push(Push::of(vec![job(), job(), job()], at(0))).await.unwrap();
    let jobs = claim(&store, worker, 0).await;
    assert_eq!(claims(), (1, 3));
    store.finish(done(&jobs[1], Outcome::Completed { output: "1".to_owned() })).await.unwrap();
    store.finish(done(&jobs[1], Outcome::Completed { output: "1".to_owned() })).await.unwrap();
    assert_eq!(claims(), (1, 2), "an outcome that comes twice counts once");
    store.finish(done(&jobs[0], Outcome::Unstarted)).await.unwrap();
    assert_eq!(claims(), (1, 1));
    assert_eq!(claim(&store, leaving, 0).await.len(), 1);
    assert_eq!(claims(), (2, 2));
    store.finish(done(&jobs[2], Outcome::Discarded { why: "not needed".to_owned() })).await.unwrap();
    assert_eq!(claims(), (1, 1));
    store.beat(a_beat(leaving, BeatKind::Leave, 1)).await.unwrap();
    assert_eq!(claims(), (0, 0));
}

#[tokio::test]
async fn who_has_a_key_is_found_by_its_index() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let file = super::open::connect(store.path()).unwrap();
    for (sql, index) in [
        (super::unique::HOLDER, "jobwork_unique (unique_key=?)"),
        (super::ordered::LEADER, "jobwork_ordered (ordered=? AND in_line=?)"),
        (super::ordered::NEXT, "jobwork_ordered (ordered=? AND in_line=?)"),
    ] {
        let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = plan.query_map(["k"], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(steps[0].starts_with("SEARCH") && steps[0].contains(index), "{steps:?}");
        let by_number = |step: &String| step.starts_with("SEARCH j USING INTEGER PRIMARY KEY");
        assert!(
            steps[1..].iter().all(|step| by_number(step)
                || step.contains("jobwork_ready")
                || step.starts_with("SEARCH r USING PRIMARY KEY")
                || step.starts_with("CORRELATED")),
            "{steps:?}"
        );
    }
}

#[tokio::test]
async fn the_index_itself_lets_no_second_job_have_a_key() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let tagged = NewJob { tags: vec!["a".to_owned()], ..job() };
    store.push(Push::of(vec![tagged.clone(), tagged], at(0))).await.unwrap();
    let file = super::open::connect(store.path()).unwrap();
    let taken = file.execute("UPDATE jobwork_details SET unique_key = 'k', has_key = 1", []).unwrap_err();
    assert!(taken.to_string().contains("UNIQUE"), "{taken}");
}

#[tokio::test]
async fn calls_that_come_while_another_process_has_its_turn_share_a_commit() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let (other, turns) = (file::connect(store.path()).unwrap(), Turns::beside(store.path()));
    other.execute_batch("CREATE TABLE t (n UNIQUE)").unwrap();
    let turn = turns.take().unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (looked, wait) = oneshot::channel();
    let (mut looked, mut made) = (Some(looked), 0);
    let first = store.writer().call(
        super::call::Rank::Other,
        // The writer has this call, and no other.
        move |_| Ok(looked.take().and_then(|looked| looked.send(()).err()).map(|()| 0)),
        move |db| {
            made += 1;
            db.execute("INSERT INTO t VALUES (1)", []).map(|_| made)
        },
    );
    let second = async {
        wait.await.unwrap();
        let release = async {
            other.execute_batch("COMMIT").unwrap();
            drop(turn);
        };
        tokio::join!(store.writer().write(|db| db.execute("INSERT INTO t VALUES (1)", [])), release).0
    };
    let (first, second) = tokio::join!(first, second);
    assert!(second.unwrap_err().to_string().contains("UNIQUE"));
    assert_eq!(first.unwrap(), 2, "it was undone because of the other call, and made again");
}
