//! Rows of an SQLite file that nobody can read never stop the others: what the fuzzing of rows has found, by name.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{
    BatchFilter, Beat, BeatKind, Claim, Due, Filter, Keep, NewSchedule, Prune, Push, Rescue, Retention, Served,
    Settled, Store, WorkerInfo, WorkerState,
};
use jobwork::{
    BatchPlace, Claimed, Finished, JobId, JobState, Limit, LimitRule, Missed, NewBatch, NewJob, Outcome, Record, Wait,
    WorkerId,
};

const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// A store, its file, and a second connection to it.
struct File {
    store: Sqlite,
    connection: rusqlite::Connection,
    _directory: tempfile::TempDir,
}

impl File {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jobs.db");
        let store = Sqlite::open(&path).await.unwrap();
        Self { store, connection: rusqlite::Connection::open(path).unwrap(), _directory: directory }
    }

    async fn push(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        self.store.push(Push::of(jobs, START)).await.unwrap().ids()
    }

    /// Writes what no store does, into one row at least.
    fn write(&self, sql: &str) {
        assert!(self.connection.execute(sql, []).unwrap() > 0, "{sql}");
    }

    async fn beat(&self, worker: WorkerId, kind: BeatKind, now: Timestamp) {
        let (host, queues) = ("host".to_owned(), Vec::new());
        let info = WorkerInfo { id: worker, host, pid: 7, queues, concurrency: 10, started_at: START };
        let (state, lease) = (WorkerState::Running, Duration::from_secs(30));
        self.store.beat(Beat { worker: Arc::new(info), kind, state, running: 0, lease, now }).await.unwrap();
    }

    async fn join(&self) -> WorkerId {
        let worker = WorkerId::fresh();
        self.beat(worker, BeatKind::Join, START).await;
        worker
    }

    async fn claim(&self, worker: WorkerId, limit: usize) -> Vec<Claimed> {
        let served = Arc::new([Served { name: "job".to_owned(), version: 1 }]);
        self.store.claim(Claim::new(worker, served, limit, START)).await.unwrap().jobs
    }

    async fn complete(&self, jobs: &[Claimed]) -> Vec<Settled> {
        let outcome = Outcome::Completed { output: "1".to_owned() };
        let finished = jobs.iter().map(|job| Finished { lease: job.lease, outcome: outcome.clone(), at: START });
        self.store.finish(finished.collect()).await.unwrap()
    }

    /// Claims one job after the other and completes it, until there is none.
    async fn work(&self) {
        let worker = self.join().await;
        for _ in 0..20 {
            let jobs = self.claim(worker, 1).await;
            self.complete(&jobs).await;
        }
    }

    async fn record(&self, id: JobId) -> Record {
        self.store.inspect().unwrap().get(&[id], START).await.unwrap().pop().flatten().unwrap()
    }

    async fn state(&self, id: JobId) -> JobState {
        self.record(id).await.state
    }

    fn number(&self, sql: &str) -> i64 {
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn job() -> NewJob {
    NewJob::new("job", r#"{"value":null}"#)
}

fn tagged() -> NewJob {
    let mut job = job();
    job.tags = vec!["odd".to_owned()];
    job
}

fn limited() -> NewJob {
    let mut job = job();
    job.flow.limits = vec![Limit { key: "key".to_owned(), rule: LimitRule::Concurrency(1) }];
    job
}

#[tokio::test]
async fn a_job_whose_row_no_claim_can_read_is_dead_and_those_behind_it_run() {
    for sql in [
        "UPDATE jobwork_jobs SET args = x'00ff' WHERE seq = 1",
        "UPDATE jobwork_jobs SET args = CAST(x'fffe' AS TEXT) WHERE seq = 1",
        "UPDATE jobwork_jobs SET priority = 1 << 40 WHERE seq = 1",
        "UPDATE jobwork_jobs SET attempt = -7 WHERE seq = 1",
        "UPDATE jobwork_jobs SET retries = -1 WHERE seq = 1",
        "UPDATE jobwork_jobs SET flags = 'all' WHERE seq = 1",
        "UPDATE jobwork_jobs SET created_at = 'yesterday' WHERE seq = 1",
        "UPDATE jobwork_details SET tags = 'odd' WHERE job = 1",
    ] {
        let file = File::new().await;
        let ids = file.push(vec![tagged(), job(), job()]).await;
        file.write(sql);
        file.work().await;
        assert_eq!([file.state(ids[1]).await, file.state(ids[2]).await], [JobState::Completed; 2], "{sql}");
        assert_eq!(file.number("SELECT state FROM jobwork_jobs WHERE seq = 1"), 6, "{sql}");
        assert_eq!(file.number("SELECT reason LIKE 'undecodable:%' FROM jobwork_jobs WHERE seq = 1"), 1, "{sql}");
        assert_eq!(file.number("SELECT count(*) FROM jobwork_ready"), 0, "{sql}");
    }
}

#[tokio::test]
async fn arguments_that_are_no_text_are_kept_as_they_are() {
    let file = File::new().await;
    file.push(vec![job()]).await;
    file.write("UPDATE jobwork_jobs SET args = x'00ff' WHERE seq = 1");
    file.work().await;
    assert_eq!(file.number("SELECT args = x'00ff' FROM jobwork_jobs WHERE seq = 1"), 1);
}

#[tokio::test]
async fn a_number_that_no_job_can_have_does_not_end_the_thread_that_writes() {
    for sql in [
        "UPDATE jobwork_details SET chain = 1 << 62 WHERE job = 1",
        "UPDATE jobwork_ready SET seq = 1 << 62 WHERE seq = 1",
        "UPDATE jobwork_ready SET seq = -9223372036854775807 - 1 WHERE seq = 1",
        "UPDATE jobwork_jobs SET seq = -1 WHERE seq = 1",
    ] {
        let file = File::new().await;
        let ids = file.push(vec![tagged(), job(), job()]).await;
        file.write(sql);
        file.work().await;
        assert_eq!([file.state(ids[1]).await, file.state(ids[2]).await], [JobState::Completed; 2], "{sql}");
    }
}

#[tokio::test]
async fn a_place_in_the_line_that_is_no_jobs_is_passed_by() {
    for sql in [
        "DELETE FROM jobwork_jobs WHERE seq = 1",
        "UPDATE jobwork_ready SET expires_at = 0, seq = 100 WHERE seq = 1",
        "UPDATE jobwork_ready SET priority = 0.5 WHERE seq = 1",
        "UPDATE jobwork_ready SET run_at = 0.5 WHERE seq = 1",
        "UPDATE jobwork_ready SET seq = 'first' WHERE seq = 1",
        "UPDATE jobwork_ready SET name = x'00' WHERE seq = 1",
        "UPDATE jobwork_ready SET queue = x'00' WHERE seq = 1",
        "UPDATE jobwork_ready SET queue = CAST(x'00fe' AS TEXT) WHERE seq = 1",
        "UPDATE jobwork_ready SET expires_at = 'soon' WHERE seq = 1",
    ] {
        let file = File::new().await;
        let ids = file.push(vec![job(), job(), job()]).await;
        file.write(sql);
        file.work().await;
        assert_eq!([file.state(ids[1]).await, file.state(ids[2]).await], [JobState::Completed; 2], "{sql}");
    }
}

#[tokio::test]
async fn pauses_limits_and_gates_of_an_unknown_kind_hold_up_no_claim() {
    for sql in [
        "INSERT INTO jobwork_pauses VALUES ('host', 'here', NULL)",
        "INSERT INTO jobwork_pauses VALUES ('queue', x'00', 'for ever')",
        "INSERT INTO jobwork_queue_limits VALUES ('mail', 'few', NULL)",
        "INSERT INTO jobwork_gates VALUES ('key', 'mail', 'job', -1, 0, 0)",
        "INSERT INTO jobwork_gates VALUES ('key', x'00', x'00', 'one', 0, 0)",
        "INSERT INTO jobwork_gates VALUES (x'00', 'default', 'job', 1, 0, 'later')",
        "INSERT INTO jobwork_gates VALUES ('key', 'default', 'job', 1, 0.5, 0.5)",
    ] {
        let file = File::new().await;
        let ids = file.push(vec![job(), limited()]).await;
        file.write(sql);
        file.work().await;
        assert_eq!([file.state(ids[0]).await, file.state(ids[1]).await], [JobState::Completed; 2], "{sql}");
    }
}

#[tokio::test]
async fn a_held_job_whose_limits_cant_be_read_gives_way_to_those_behind_the_same_gate() {
    let file = File::new().await;
    let ids = file.push(vec![limited(), limited(), limited()]).await;
    let worker = file.join().await;
    let first = file.claim(worker, 3).await;
    assert_eq!(first.len(), 1, "the others are held");
    file.write("UPDATE jobwork_details SET limits = 'none' WHERE job = 2");
    file.complete(&first).await;
    file.work().await;
    let states = [file.state(ids[0]).await, file.state(ids[1]).await, file.state(ids[2]).await];
    assert_eq!(states, [JobState::Completed, JobState::Dead, JobState::Completed]);
}

#[tokio::test]
async fn outcomes_are_written_beside_one_whose_job_cant_be_read() {
    for sql in [
        "UPDATE jobwork_jobs SET cancel = 'yes' WHERE seq = 1",
        "UPDATE jobwork_jobs SET run_at = 'now', flags = flags | 2 WHERE seq = 1",
    ] {
        let file = File::new().await;
        let ids = file.push(vec![job(), job()]).await;
        let worker = file.join().await;
        let jobs = file.claim(worker, 2).await;
        file.write(sql);
        assert_eq!(file.complete(&jobs).await, [Settled::Stored; 2], "{sql}");
        assert_eq!(file.state(ids[1]).await, JobState::Completed, "{sql}");
        assert_eq!(file.number("SELECT state FROM jobwork_jobs WHERE seq = 1"), 6, "{sql}");
    }
}

#[tokio::test]
async fn a_claim_that_cant_be_read_is_lost_and_the_others_are_not() {
    for runs in ["none", "[1, 2]", "[\"a\"]", "{}"] {
        let file = File::new().await;
        let ids = file.push(vec![job(), job()]).await;
        let (one, other) = (file.join().await, file.join().await);
        let (first, second) = (file.claim(one, 1).await, file.claim(other, 1).await);
        file.write(&format!("UPDATE jobwork_claims SET runs = '{runs}' WHERE id = 1"));
        let jobs: Vec<Claimed> = first.into_iter().chain(second).collect();
        assert_eq!(file.complete(&jobs).await, [Settled::Lost, Settled::Stored], "{runs}");
        assert_eq!(file.state(ids[1]).await, JobState::Completed);
        file.store.inspect().unwrap().counts(START).await.unwrap();
        file.beat(other, BeatKind::Leave, START).await;
    }
}

#[tokio::test]
async fn a_claim_of_somebody_elses_making_takes_no_number_from_those_that_come() {
    let file = File::new().await;
    let ids = file.push(vec![job(), job()]).await;
    for number in [1_i64, 2, (1 << 62) - 1, 1 << 62, i64::MAX] {
        file.write(&format!("INSERT INTO jobwork_claims VALUES ({number}, 7, 0, 1, 1, 1, '[]')"));
    }
    file.work().await;
    assert_eq!([file.state(ids[0]).await, file.state(ids[1]).await], [JobState::Completed; 2]);
}

#[tokio::test]
async fn a_batch_whose_counters_are_wrong_is_still_shown_and_others_are_in_any_case() {
    let file = File::new().await;
    let mut member = job();
    member.batch = Some(BatchPlace::New(0));
    let batch = Push::of(vec![member], START).batches(vec![NewBatch::new("odd")]);
    file.store.push(batch).await.unwrap();
    file.write("UPDATE jobwork_batches SET ran = 7, ended = 0, cancelled = -9223372036854775807 - 1");
    let inspect = file.store.inspect().unwrap();
    assert_eq!(inspect.batches(&BatchFilter::default()).await.unwrap()[0].pending, 0);
    file.work().await;
    assert_eq!(inspect.counts(START).await.unwrap().completed, 1);
    let empty = Push::of(Vec::new(), START).batches(vec![NewBatch::new("sound")]);
    file.store.push(empty).await.unwrap();
    file.write("UPDATE jobwork_batches SET ran = 'some' WHERE seq = 1");
    assert_eq!(inspect.batches(&BatchFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_held_job_leaves_the_line_where_it_stood() {
    let file = File::new().await;
    file.push(vec![limited(), limited()]).await;
    let worker = file.join().await;
    file.claim(worker, 1).await;
    file.write("UPDATE jobwork_ready SET run_at = 0 WHERE seq = 2");
    assert_eq!(file.claim(worker, 1).await, []);
    assert_eq!(file.number("SELECT count(*) FROM jobwork_ready"), 0, "or each claim would meet it a thousand times");
}

#[tokio::test]
async fn a_member_of_batches_that_are_in_a_ring_completes() {
    let file = File::new().await;
    let mut member = job();
    member.batch = Some(BatchPlace::New(0));
    let ids = file.store.push(Push::of(vec![member], START).batches(vec![NewBatch::new("odd")])).await.unwrap().ids();
    // As its own member it is over, and then is not, and so on.
    file.write("UPDATE jobwork_batches SET parent = seq");
    file.work().await;
    assert_eq!(file.state(ids[0]).await, JobState::Completed);
}

#[tokio::test]
async fn a_member_completes_although_its_batchs_callback_stands_in_the_line_already() {
    let file = File::new().await;
    let mut member = job();
    member.batch = Some(BatchPlace::New(0));
    file.store.push(Push::of(vec![member, job()], START).batches(vec![NewBatch::new("odd")])).await.unwrap();
    file.write("UPDATE jobwork_batches SET on_success = 2");
    let worker = file.join().await;
    let jobs = file.claim(worker, 1).await;
    assert_eq!(file.complete(&jobs).await, [Settled::Stored]);
}

#[tokio::test]
async fn jobs_that_wait_for_one_another_in_a_ring_are_retried() {
    let file = File::new().await;
    let mut child = job();
    child.waits = vec![Wait { on: 0, slot: Some("value".to_owned()) }];
    let ids = file.push(vec![job(), child.clone(), job()]).await;
    let inspect = file.store.inspect().unwrap();
    inspect.cancel(&ids[..1], START).await.unwrap();
    // The second waits for itself, too, and both are what had it cancelled.
    file.write("INSERT INTO jobwork_links VALUES (2, 2, 7, NULL, 0)");
    inspect.retry(&ids[..1], START).await.unwrap();
    file.work().await;
    assert_eq!([file.state(ids[0]).await, file.state(ids[2]).await], [JobState::Completed; 2]);
}

#[tokio::test]
async fn a_new_job_gets_a_number_although_a_row_has_one_that_no_job_can_have() {
    let file = File::new().await;
    file.push(vec![job(), job()]).await;
    file.write("UPDATE jobwork_jobs SET seq = 1 << 62 WHERE seq = 1");
    let ids = file.push(vec![job()]).await;
    file.work().await;
    assert_eq!(file.state(ids[0]).await, JobState::Completed);
}

#[tokio::test]
async fn a_job_completes_although_one_that_waits_for_it_cant_be_read() {
    let file = File::new().await;
    let waits = |on| {
        let mut child = job();
        child.waits = vec![Wait { on, slot: Some("value".to_owned()) }];
        child
    };
    let ids = file.push(vec![job(), waits(0), waits(0)]).await;
    file.write("UPDATE jobwork_jobs SET args = x'00ff' WHERE seq = 2");
    file.work().await;
    assert_eq!([file.state(ids[0]).await, file.state(ids[2]).await], [JobState::Completed; 2]);
    assert_eq!(file.number("SELECT state FROM jobwork_jobs WHERE seq = 2"), 6);
}

#[tokio::test]
async fn workers_and_jobs_that_cant_be_read_keep_no_other_from_being_rescued() {
    let file = File::new().await;
    let ids = file.push(vec![job(), job(), job()]).await;
    let (one, other) = (file.join().await, file.join().await);
    file.claim(one, 1).await;
    file.claim(other, 2).await;
    file.write("UPDATE jobwork_workers SET id = 'nobody' WHERE key = 1");
    file.write("UPDATE jobwork_jobs SET rescues = 'some' WHERE seq = 2");
    let rescue = Rescue { poison_after: 3, now: START + SignedDuration::from_hours(1) };
    assert_eq!(file.store.upkeep().unwrap().rescue(rescue).await.unwrap(), [ids[2]]);
    assert_eq!(file.state(ids[2]).await, JobState::Ready);
    assert_eq!(file.number("SELECT state FROM jobwork_jobs WHERE seq = 2"), 6);
}

#[tokio::test]
async fn a_job_that_was_rescued_as_often_as_a_number_can_say_is_a_poison_pill() {
    let file = File::new().await;
    let ids = file.push(vec![job(), job()]).await;
    let worker = file.join().await;
    file.claim(worker, 2).await;
    file.write("UPDATE jobwork_jobs SET rescues = 9223372036854775807 WHERE seq = 1");
    let rescue = Rescue { poison_after: 3, now: START + SignedDuration::from_hours(1) };
    assert_eq!(file.store.upkeep().unwrap().rescue(rescue).await.unwrap().len(), 2);
    assert_eq!(file.number("SELECT state FROM jobwork_jobs WHERE seq = 1"), 6);
    assert_eq!(file.state(ids[1]).await, JobState::Ready);
}

#[tokio::test]
async fn what_can_be_read_is_listed_and_pruned_beside_what_cant() {
    let file = File::new().await;
    let ids = file.push(vec![job(), job(), job()]).await;
    let inspect = file.store.inspect().unwrap();
    inspect.cancel(&ids, START).await.unwrap();
    file.write("UPDATE jobwork_jobs SET args = x'00ff', finished_at = 'soon' WHERE seq = 1");
    file.write("UPDATE jobwork_ended SET name = x'00', finished_at = 'soon' WHERE job = 1");
    let listed = inspect.list(&Filter::default(), START).await.unwrap();
    assert_eq!(listed.len(), 2);
    let keep = Keep { age: Some(Duration::ZERO), count: None };
    let prune = Prune { retention: Arc::new(Retention::default().cancelled(keep)), limit: 10, now: START };
    assert_eq!(file.store.upkeep().unwrap().prune(prune).await.unwrap(), 2);
}

#[tokio::test]
async fn a_schedule_that_cant_be_read_stays_as_it_is_and_the_others_are_declared() {
    let file = File::new().await;
    let new = |name: &str| NewSchedule {
        name: name.to_owned(),
        job: "job".to_owned(),
        due: Due { expression: "0 3 * * *".to_owned(), zone: "UTC".to_owned() },
        missed: Missed::Skip,
    };
    let schedules = file.store.schedules().unwrap();
    schedules.declare(vec![new("a"), new("b")], START).await.unwrap();
    file.write("UPDATE jobwork_schedules SET schedule = '{\"newer\":true}' WHERE name = 'a'");
    schedules.declare(vec![new("a"), new("b"), new("c")], START).await.unwrap();
    let names: Vec<String> = schedules.list().await.unwrap().into_iter().map(|schedule| schedule.name).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(file.number("SELECT schedule = '{\"newer\":true}' FROM jobwork_schedules WHERE name = 'a'"), 1);
}
