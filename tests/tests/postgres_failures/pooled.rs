//! Workers behind a pooler that gives each transaction another session.

use std::sync::Arc;

use jobwork::store::postgres::Postgres;
use jobwork::{App, JobError, Jobs, WaitError, job};
use jobwork_tests::Events;
use jobwork_tests::postgres::{connect, fresh_schema, pgbouncer};
use tokio::time::timeout;

use super::setting::{LIMIT, until};

#[job]
async fn greet(name: String) -> Result<String, JobError> {
    Ok(format!("hello {name}"))
}

/// Waits until it is told to stop.
#[job(retries = 0)]
async fn stay(cancel: jobwork::CancelSignal) -> Result<(), jobwork::Cancelled> {
    cancel.cancelled().await;
    cancel.check()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_behind_a_pooler_works_by_polling_alone() {
    let schema = fresh_schema().await;
    let pooler = pgbouncer::start(&schema.url).await;
    let pooled = Postgres::open(&format!("{}&pooler=transaction", pooler.url)).await.unwrap();
    let worker = App::new().jobs(Jobs::new(Arc::new(pooled))).state(Events::default()).spawn().await.unwrap();
    let jobs = Jobs::new(Arc::new(Postgres::open(&schema.url).await.unwrap()));
    for name in ["ann", "bob"] {
        let job = Greet::dispatch(name).on(&jobs).await.unwrap();
        assert_eq!(timeout(LIMIT, job.wait()).await.unwrap().unwrap(), format!("hello {name}"));
    }
    let job = Stay::dispatch().on(&jobs).await.unwrap();
    until(async || (worker.running() == 1).then_some(())).await;
    job.cancel().await.unwrap();
    let ended = timeout(LIMIT, job.wait()).await.unwrap();
    assert!(matches!(ended, Err(WaitError::Cancelled { .. })), "{ended:?}");
    let client = connect(&schema.url).await;
    let locks =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = worker_lock()::oid";
    assert_eq!(client.query_one(locks, &[]).await.unwrap().get::<_, i64>(0), 0);
    let locked = "SELECT count(*) FROM workers WHERE locked";
    assert_eq!(client.query_one(locked, &[]).await.unwrap().get::<_, i64>(0), 0);
    worker.stop_and_wait().await;
}
