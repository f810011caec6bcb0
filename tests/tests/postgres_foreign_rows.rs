//! Rows that somebody else wrote: what would fail whole calls is refused by the tables, and what they take concerns its own job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::postgres::Postgres;
use jobwork::store::{Due, NewSchedule, ScheduleChange, Store};
use jobwork::{App, Batch, JobState, Jobs, Limit, Missed, NewJob, chain, job};
use jobwork_tests::postgres::{connect, fresh_schema};

#[job]
async fn double(number: u32) -> Result<u32, std::convert::Infallible> {
    Ok(number * 2)
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[job]
async fn told_once() -> Result<(), std::convert::Infallible> {
    RUNS.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// A job that claims look at closely.
fn limited(name: &'static str, args: &'static str) -> NewJob {
    let mut job = NewJob::new(name, args);
    job.flow.limits = vec![Limit::concurrency("key", 2)];
    job
}

/// What would go on for ever fails instead.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it ends")
}

async fn work(jobs: &Jobs) {
    in_time(App::new().single_runtime(true).jobs(jobs.clone()).run_until_empty()).await.unwrap();
}

#[tokio::test]
async fn a_member_of_a_batch_that_is_its_own_member_completes() {
    let schema = fresh_schema().await;
    let jobs = Jobs::new(Arc::new(Postgres::open(&schema.url).await.unwrap()));
    let batch = Batch::new("odd").add(Double::dispatch(1)).on(&jobs).dispatch().await.unwrap();
    let client = connect(&schema.url).await;
    client.batch_execute("UPDATE batches SET parent = seq").await.unwrap();
    work(&jobs).await;
    assert_eq!(batch.progress().await.unwrap().completed, 1);
}

#[tokio::test]
async fn a_job_that_waits_for_itself_is_revived_once() {
    let schema = fresh_schema().await;
    let jobs = Jobs::new(Arc::new(Postgres::open(&schema.url).await.unwrap()));
    let chain = chain![Double, Double].dispatch(1_u32).on(&jobs).await.unwrap();
    let first = chain.members().await.unwrap()[0].id;
    jobs.cancel(first).await.unwrap();
    let client = connect(&schema.url).await;
    client.batch_execute("INSERT INTO links SELECT child, child, 7 FROM links").await.unwrap();
    in_time(jobs.retry(first)).await.unwrap();
    work(&jobs).await;
    assert_eq!(jobs.get(first).await.unwrap().unwrap().state, JobState::Completed);
}

#[tokio::test]
async fn what_no_call_could_read_is_refused_by_the_tables() {
    let schema = fresh_schema().await;
    let jobs = Jobs::new(Arc::new(Postgres::open(&schema.url).await.unwrap()));
    let mut new = limited("double", r#"{"number": 1}"#);
    new.tags = vec!["one".to_owned()];
    let id = jobs.push(vec![new]).await.unwrap()[0];
    let client = connect(&schema.url).await;
    for sql in [
        "UPDATE details SET limits = '{'",
        "UPDATE details SET limits = '{}'",
        "UPDATE details SET limits = '[7]'",
        r#"UPDATE details SET limits = '[{"key": 7, "rule": {"concurrency": 1}}]'"#,
        r#"UPDATE details SET limits = '[{"key": "key", "rule": {"window": 1}}]'"#,
        r#"UPDATE details SET limits = '[{"key": "key", "rule": {"concurrency": 1.5}}]'"#,
        r#"UPDATE details SET limits = '[{"key": "key", "rule": {"concurrency": 1, "rate": 1}}]'"#,
        r#"UPDATE details SET limits = '[{"key": "key", "rule": {"rate": {"count": 1, "per": 60}}}]'"#,
        "UPDATE details SET tags = '{NULL}'",
        "UPDATE details SET tags = '{{one, two}, {three, four}}'",
        "UPDATE jobs SET attempt = 2147483647",
        "UPDATE ready SET seq = -9223372036854775808",
        "INSERT INTO pauses VALUES (NULL, 'nothing', '')",
        "INSERT INTO queue_limits VALUES ('default', '[]')",
        r#"INSERT INTO queue_limits VALUES ('default', '{"concurrency": -1}')"#,
        r#"INSERT INTO queue_limits VALUES ('default', '{"window": 1}')"#,
    ] {
        client.execute(sql, &[]).await.expect_err(sql);
    }
    for sql in [
        r#"UPDATE details SET limits = '[{"key": "key", "rule": {"rate": {"count": 1, "per": {"secs": 60, "nanos": 0}}}}]'"#,
        r#"INSERT INTO queue_limits VALUES ('default', '{"concurrency": 5, "rate": null}')"#,
    ] {
        client.execute(sql, &[]).await.expect(sql);
    }
    work(&jobs).await;
    assert_eq!(jobs.get(id).await.unwrap().unwrap().state, JobState::Completed);
}

#[tokio::test]
async fn a_job_that_stands_elsewhere_in_the_line_leaves_it_and_is_performed_once() {
    let schema = fresh_schema().await;
    let jobs = Jobs::new(Arc::new(Postgres::open(&schema.url).await.unwrap()));
    jobs.push(vec![limited("told_once", "{}")]).await.unwrap();
    let client = connect(&schema.url).await;
    client.execute("UPDATE ready SET run_at = 0", &[]).await.unwrap();
    work(&jobs).await;
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    for table in ["ready", "claims", "slots"] {
        let left = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        assert_eq!(left.get::<_, i64>(0), 0, "{table}");
    }
}

#[tokio::test]
async fn a_schedule_that_cant_be_read_stays_as_it_is_and_the_others_are_declared() {
    let schema = fresh_schema().await;
    let store = Postgres::open(&schema.url).await.unwrap();
    let schedules = store.schedules().unwrap();
    let new = |name: &str| NewSchedule {
        name: name.to_owned(),
        job: "double".to_owned(),
        due: Due { expression: "0 3 * * *".to_owned(), zone: "UTC".to_owned() },
        missed: Missed::Skip,
    };
    let names =
        || async { schedules.list().await.unwrap().into_iter().map(|schedule| schedule.name).collect::<Vec<_>>() };
    schedules.declare(vec![new("a"), new("b")], Timestamp::now()).await.unwrap();
    let client = connect(&schema.url).await;
    client.execute("UPDATE schedules SET schedule = '{\"newer\": 1}' WHERE name = 'a'", &[]).await.unwrap();
    schedules.declare(vec![new("a"), new("b"), new("c")], Timestamp::now()).await.unwrap();
    assert_eq!(names().await, ["b", "c"]);
    let left = client.query_one("SELECT schedule FROM schedules WHERE name = 'a'", &[]).await.unwrap();
    assert_eq!(left.get::<_, &str>(0), "{\"newer\": 1}");
    assert!(
        schedules.change("a", ScheduleChange::Remove, Timestamp::now()).await.unwrap(),
        "by hand it can be removed"
    );
    schedules.declare(vec![new("a")], Timestamp::now()).await.unwrap();
    assert_eq!(names().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn what_can_be_read_is_listed_beside_what_cant() {
    let schema = fresh_schema().await;
    let store = Arc::new(Postgres::open(&schema.url).await.unwrap());
    let jobs = Jobs::new(store.clone());
    let id = Double::dispatch(1).on(&jobs).await.unwrap().id();
    work(&jobs).await;
    let client = connect(&schema.url).await;
    for sql in [
        "INSERT INTO workers (id, last_beat, expires_at, running, locked, state, info)
         VALUES (gen_random_uuid(), 0, 0, 0, false, 'unknown', '{}')",
        "INSERT INTO attempts (job, at, attempt, worker, outcome, failure) SELECT seq, 0, 1, gen_random_uuid(), 'failed', 'odd' FROM jobs
         UNION ALL SELECT seq, 0, 1, gen_random_uuid(), 'failed', 'odd' FROM ended",
    ] {
        client.execute(sql, &[]).await.expect(sql);
    }
    let inspect = store.inspect().unwrap();
    assert!(inspect.workers(Timestamp::now()).await.unwrap().is_empty());
    assert!(inspect.history(id).await.unwrap().iter().all(|attempt| attempt.outcome == "completed"));
}
