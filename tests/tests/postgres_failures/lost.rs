//! Calls whose answers are lost: what they did is made good, and nothing is counted twice.

use std::future::poll_fn;
use std::task::Poll;

use jobwork::store::postgres::Postgres;
use jobwork::store::{Push, Settled, Store};
use jobwork::{Failure, FailureKind, JobState, NewJob, Outcome};
use jobwork_tests::postgres::proxy::{Fate, Proxy};
use jobwork_tests::postgres::{Schema, connect, fresh_schema};

use super::setting::{all, claim, completed, join, push, request, states, until};

/// A store, by way of a proxy and directly.
struct Setting {
    schema: Schema,
    proxy: Proxy,
    store: Postgres,
    direct: Postgres,
}

impl Setting {
    async fn new() -> Self {
        let schema = fresh_schema().await;
        let proxy = Proxy::start(&schema.url).await;
        let direct = Postgres::open(&schema.url).await.unwrap();
        let store = Postgres::open(&proxy.url).await.unwrap();
        Self { schema, proxy, store, direct }
    }

    /// The one number that a query finds.
    async fn number(&self, query: &str) -> i64 {
        connect(&self.schema.url).await.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Waits until this many claims were given back.
    async fn given_back(&self, count: i64) {
        let refused = "SELECT coalesce(sum(cardinality(refused)), 0)::bigint FROM workers";
        until(async || (self.number(refused).await == count).then_some(())).await;
    }
}

#[tokio::test]
async fn the_jobs_of_a_claim_whose_answer_was_lost_are_ready_again() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let jobs = push(&setting.direct, 3).await;
    setting.proxy.set_trap(".claim(", Fate::LoseAnswer);
    let error = setting.store.claim(request(worker)).await.unwrap_err().to_string();
    assert!(error.contains("the job store failed"), "{error}");
    setting.given_back(1).await;
    assert_eq!(states(&setting.direct, &jobs).await, [(JobState::Ready, 0); 3]);
    let again = claim(&setting.store, worker).await;
    assert_eq!(
        again.iter().map(|job| (job.lease.job, job.lease.attempt, job.rescues)).collect::<Vec<_>>(),
        jobs.iter().map(|id| (*id, 1, 0)).collect::<Vec<_>>()
    );
    assert_eq!(setting.number("SELECT count(*) FROM claims").await, 1);
}

#[tokio::test]
async fn the_jobs_of_a_claim_that_nobody_waits_for_any_more_are_ready_again() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let jobs = push(&setting.direct, 2).await;
    setting.proxy.set_trap(".claim(", Fate::HoldAnswer);
    let mut dropped = Box::pin(setting.store.claim(request(worker)));
    tokio::select! {
        answer = &mut dropped => panic!("{answer:?}"),
        () = setting.proxy.sprung(1) => {}
    }
    assert_eq!(states(&setting.direct, &jobs).await, [(JobState::Running, 1); 2]);
    drop(dropped);
    setting.given_back(1).await;
    assert_eq!(states(&setting.direct, &jobs).await, [(JobState::Ready, 0); 2]);
    setting.proxy.let_go();
    assert_eq!(claim(&setting.store, worker).await.len(), 2);
}

#[tokio::test]
async fn a_claim_that_is_dropped_before_it_is_sent_does_no_harm() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    push(&setting.direct, 2).await;
    let mut dropped = Box::pin(setting.store.claim(request(worker)));
    assert!(poll_fn(|context| Poll::Ready(dropped.as_mut().poll(context))).await.is_pending());
    drop(dropped);
    setting.given_back(1).await;
    assert_eq!(claim(&setting.store, worker).await.len(), 2);
}

#[tokio::test]
async fn a_claim_that_reaches_the_server_after_it_was_given_back_gets_nothing() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let jobs = push(&setting.direct, 3).await;
    setting.proxy.set_trap(".claim(", Fate::Delay);
    setting.store.claim(request(worker)).await.unwrap_err();
    setting.given_back(1).await;
    setting.proxy.let_go();
    setting.proxy.done_late(1).await;
    assert_eq!(states(&setting.direct, &jobs).await, [(JobState::Ready, 0); 3]);
    assert_eq!(setting.number("SELECT count(*) FROM claims").await, 0);
    assert_eq!(claim(&setting.store, worker).await.len(), 3);
}

#[tokio::test]
async fn only_the_lost_claim_of_a_worker_is_given_back() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let first = push(&setting.direct, 2).await;
    let kept = claim(&setting.store, worker).await;
    let second = push(&setting.direct, 2).await;
    setting.proxy.set_trap(".claim(", Fate::LoseAnswer);
    setting.store.claim(request(worker)).await.unwrap_err();
    setting.given_back(1).await;
    assert_eq!(states(&setting.direct, &first).await, [(JobState::Running, 1); 2]);
    assert_eq!(states(&setting.direct, &second).await, [(JobState::Ready, 0); 2]);
    assert_eq!(setting.store.finish(all(&kept, &completed())).await.unwrap(), [Settled::Stored; 2]);
}

#[tokio::test]
async fn an_outcome_whose_answer_was_lost_is_stored_when_it_is_written_again_and_counts_once() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let jobs = push(&setting.direct, 3).await;
    let claimed = claim(&setting.store, worker).await;
    let outcomes = all(&claimed, &completed());
    setting.proxy.set_trap(".finish(", Fate::LoseAnswer);
    setting.store.finish(outcomes.clone()).await.unwrap_err();
    assert_eq!(states(&setting.direct, &jobs).await, [(JobState::Completed, 1); 3]);
    assert_eq!(setting.store.finish(outcomes.clone()).await.unwrap(), [Settled::Stored; 3]);
    // Who has been answered has no more to ask.
    assert_eq!(setting.store.finish(outcomes).await.unwrap(), [Settled::Lost; 3]);
    assert_eq!(setting.number("SELECT sum(completed)::bigint FROM totals").await, 3);
}

#[tokio::test]
async fn a_retry_whose_answer_was_lost_is_written_once() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let jobs = push(&setting.direct, 1).await;
    let claimed = claim(&setting.store, worker).await;
    let failure = Failure { kind: FailureKind::Error, message: "no luck".to_owned(), detail: None, middleware: None };
    let outcomes = all(&claimed, &Outcome::Retry { at: jiff::Timestamp::now(), failure });
    setting.proxy.set_trap(".finish(", Fate::LoseAnswer);
    setting.store.finish(outcomes.clone()).await.unwrap_err();
    assert_eq!(setting.store.finish(outcomes).await.unwrap(), [Settled::Stored]);
    let history = setting.direct.inspect().unwrap().history(jobs[0]).await.unwrap();
    assert_eq!(history.iter().map(|attempt| attempt.outcome.as_str()).collect::<Vec<_>>(), ["failed"]);
}

#[tokio::test]
async fn an_outcome_that_never_reached_the_server_is_written_by_the_next_call() {
    let setting = Setting::new().await;
    let worker = join(&setting.store).await;
    let jobs = push(&setting.direct, 2).await;
    let claimed = claim(&setting.store, worker).await;
    let outcomes = all(&claimed, &completed());
    setting.proxy.set_trap(".finish(", Fate::Delay);
    setting.store.finish(outcomes.clone()).await.unwrap_err();
    assert_eq!(setting.store.finish(outcomes).await.unwrap(), [Settled::Stored; 2]);
    setting.proxy.let_go();
    setting.proxy.done_late(1).await;
    assert_eq!(states(&setting.direct, &jobs).await, [(JobState::Completed, 1); 2]);
    assert_eq!(setting.number("SELECT sum(completed)::bigint FROM totals").await, 2);
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_says_that_it_may_have_been_stored() {
    let setting = Setting::new().await;
    let mut tagged = NewJob::new("job", "{}");
    tagged.tags = vec!["a".to_owned()];
    let plain = NewJob::new("job", "{}");
    for jobs in [vec![plain.clone()], vec![plain; 2], vec![tagged]] {
        setting.proxy.set_trap(".push", Fate::LoseAnswer);
        let error = setting.store.push(Push::of(jobs, jiff::Timestamp::now())).await.unwrap_err().to_string();
        assert!(error.contains("may have been stored, or may not"), "{error}");
    }
    assert_eq!(setting.number("SELECT count(*) FROM jobs").await, 4);
    push(&setting.store, 1).await;
}
