//! Calls that meet: who waits for whom, and who fails with whom.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jobwork::store::postgres::Postgres;
use jobwork::store::{Claim, Push, Settled, Store};
use jobwork::{Flow, JobId, Limit, Membership, NewJob, Wait};
use jobwork_tests::postgres::{Schema, connect, fresh_schema};
use tokio_postgres::Client;

use super::setting::{LIMIT, all, claim, completed, join, push, request, until};

/// A store, and a session beside it that is in a transaction.
async fn setting() -> (Schema, Arc<Postgres>, Client) {
    let schema = fresh_schema().await;
    let store = Arc::new(Postgres::open(&schema.url).await.unwrap());
    let other = connect(&schema.url).await;
    other.batch_execute("BEGIN").await.unwrap();
    (schema, store, other)
}

/// Takes what whoever changes what jobs share waits for.
async fn lock(other: &Client) {
    other.execute("SELECT lock_flow()", &[]).await.unwrap();
}

/// Stores a job, claims it and completes it, while all that waits would wait for ever.
async fn perform(store: &Postgres, worker: jobwork::WorkerId) {
    let performed = async {
        push(store, 1).await;
        let jobs = claim(store, worker).await;
        assert_eq!(jobs.len(), 1);
        assert_eq!(store.finish(all(&jobs, &completed())).await.unwrap(), [Settled::Stored]);
    };
    tokio::time::timeout(LIMIT, performed).await.expect("a plain job waits for nobody");
}

#[tokio::test]
async fn plain_jobs_don_t_wait_for_what_others_share() {
    let (_schema, store, other) = setting().await;
    let worker = join(&*store).await;
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let mut limited = NewJob::new("job", "{}");
    limited.flow = Flow::default().limit(Limit::concurrency("k", 1));
    limited.run_at = Some(tomorrow);
    store.push(Push::of(vec![limited], Timestamp::now())).await.unwrap();
    lock(&other).await;
    perform(&store, worker).await;
}

/// A chain of so many members, none of which does anything.
fn chain(length: u32) -> Vec<NewJob> {
    let wait = |position: u32| Wait { on: position as usize - 1, slot: None };
    let member = |position| {
        let mut job = NewJob::new("job", "{}");
        job.waits.extend((position > 0).then(|| wait(position)));
        job.chain = Some(Membership { first: 0, position, on_error: None });
        job
    };
    (0..length).map(member).collect()
}

#[tokio::test]
async fn once_no_outcome_is_shared_outcomes_don_t_wait_either() {
    let (_schema, store, other) = setting().await;
    let worker = join(&*store).await;
    for jobs in [chain(2), vec![NewJob::new("job", "{}"); 2]] {
        store.push(Push::of(jobs, Timestamp::now())).await.unwrap();
        push(&*store, 1).await;
        let jobs = claim(&*store, worker).await;
        store.finish(all(&jobs, &completed())).await.unwrap();
    }
    lock(&other).await;
    perform(&store, worker).await;
}

/// Pushes a job of this name by a task of its own.
fn dispatch(store: &Arc<Postgres>, name: &'static str) -> tokio::task::JoinHandle<jobwork::Result<Vec<JobId>>> {
    let store = Arc::clone(store);
    tokio::spawn(async move {
        let stored = store.push(Push::of(vec![NewJob::new(name, "{}")], Timestamp::now())).await?;
        Ok(stored.ids())
    })
}

#[tokio::test]
async fn a_job_that_the_server_refuses_fails_no_other_that_shares_its_statement() {
    let (schema, store, other) = setting().await;
    let owner = connect(&schema.url).await;
    owner.batch_execute("ALTER TABLE jobs ADD CHECK (name <> 'refused')").await.unwrap();
    other.batch_execute("LOCK TABLE jobs IN EXCLUSIVE MODE").await.unwrap();
    // Two statements are under way and wait for the table, and the rest waits for them.
    let blocked = "SELECT count(*) FROM pg_locks WHERE relation = 'jobs'::regclass AND NOT granted";
    let waits = async |count: i64| {
        let waits = async || (owner.query_one(blocked, &[]).await.unwrap().get::<_, i64>(0) == count).then_some(());
        until(waits).await;
    };
    let first = dispatch(&store, "job");
    waits(1).await;
    let second = dispatch(&store, "job");
    waits(2).await;
    let rest = ["job", "refused", "job"].map(|name| dispatch(&store, name));
    // They have come by the time that a later task of the same thread is done.
    tokio::task::yield_now().await;
    other.batch_execute("COMMIT").await.unwrap();
    let mut ids = vec![first.await.unwrap().unwrap(), second.await.unwrap().unwrap()];
    let mut refused = 0;
    for job in rest {
        match job.await.unwrap() {
            Ok(stored) => ids.push(stored),
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("check constraint"), "{error}");
            }
        }
    }
    assert_eq!((ids.len(), refused), (4, 1));
}

#[tokio::test]
async fn what_another_process_puts_first_does_not_wait_for_the_end_of_a_backlog() {
    const BACKLOG: usize = 20_000;
    let (schema, store, _other) = setting().await;
    let elsewhere = Postgres::open(&schema.url).await.unwrap();
    let worker = join(&*store).await;
    push(&*store, BACKLOG).await;
    // From now on claims begin where the last one took.
    let request = Claim { limit: 1, ..request(worker) };
    let claim = async || store.claim(request.clone()).await.unwrap().jobs.pop().unwrap().lease.job;
    for _ in 0..3 {
        claim().await;
    }
    let mut earlier = NewJob::new("job", "{}");
    earlier.run_at = Some(Timestamp::UNIX_EPOCH);
    let earlier = elsewhere.push(Push::of(vec![earlier], Timestamp::now())).await.unwrap().ids()[0];
    let found = tokio::time::timeout(LIMIT, async {
        let mut claims = 1;
        while claim().await != earlier {
            claims += 1;
        }
        claims
    });
    let claims = found.await.expect("it is found before the backlog has ended");
    assert!(claims < BACKLOG - 3, "it was the last one of all, after {claims} claims");
}
