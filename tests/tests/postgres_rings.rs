//! What somebody wrote into the tables so that it leads back to itself is gone round once.

use std::sync::Arc;
use std::time::Duration;

use jobwork::store::postgres::Postgres;
use jobwork::{App, Batch, JobState, Jobs, chain, job};
use jobwork_tests::postgres::{connect, fresh_schema};

#[job]
async fn double(number: u32) -> Result<u32, std::convert::Infallible> {
    Ok(number * 2)
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
