#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::clock::after;
use crate::job::{Claimed, Flow, JobId, JobState, Limit, NewJob, Outcome};
use crate::store::Store;

/// A job of which so many of its key start in a second.
fn rated(key: &str, count: u32) -> NewJob {
    NewJob { flow: Flow::default().limit(Limit::rate(key, count, SECOND)), ..job() }
}

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|job| job.lease.job).collect()
}

pub async fn a_full_bucket_gives_its_count_at_once_and_the_rest_in_time(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let pushed = case.push(vec![rated("a", 4); 7]).await;
    assert_eq!(ids(&case.claim(worker, 9).await), pushed[..4]);
    case.pass(SECOND / 4 - Duration::from_millis(1));
    assert_eq!(case.claim(worker, 9).await, []);
    case.pass(Duration::from_millis(1));
    assert_eq!(ids(&case.claim(worker, 9).await), pushed[4..5]);
    case.pass(SECOND / 2);
    assert_eq!(ids(&case.claim(worker, 9).await), pushed[5..]);
}

pub async fn a_bucket_never_holds_more_than_its_count(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![rated("a", 2); 9]).await;
    assert_eq!(case.claim(worker, 9).await.len(), 2);
    case.pass(HOUR);
    assert_eq!(case.claim(worker, 9).await.len(), 2);
}

pub async fn an_outcome_returns_no_token(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![rated("a", 1); 2]).await;
    let lease = case.claim_one(worker).await.lease;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.claim(worker, 9).await, []);
}

pub async fn a_job_over_its_rate_is_passed_over_and_says_when_to_look(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let pushed = case.push(vec![rated("a", 2), rated("a", 2), rated("a", 2), job()]).await;
    let batch = case.claim_as(case.asks(worker, 9)).await;
    assert_eq!(ids(&batch.jobs), [pushed[0], pushed[1], pushed[3]]);
    assert_eq!(batch.next_due, Some(after(case.now, SECOND / 2)));
    let batch = case.claim_as(case.asks(worker, 9)).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (0, Some(after(case.now, SECOND / 2))));
    assert_eq!(case.record(pushed[2]).await.held_by.as_deref(), Some("a"));
}

pub async fn a_fast_rate_asks_for_no_busy_polling_and_loses_nothing(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![rated("a", 1_000); 2_000]).await;
    let (start, mut started, mut claims) = (case.now, 0, 0);
    while started < 2_000 {
        let batch = case.claim_as(case.asks(worker, 5_000)).await;
        started += batch.jobs.len();
        claims += 1;
        if let Some(due) = batch.next_due {
            case.now = case.now.max(due);
        }
    }
    assert_eq!(case.now.duration_since(start).as_millis(), 1_000);
    assert!(claims <= 60, "{claims} claims");
}

pub async fn a_job_that_one_limit_holds_takes_no_token_of_the_other(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let both = Flow::default().limit(Limit::rate("a", 1, SECOND)).limit(Limit::concurrency("b", 1));
    let blocker = NewJob { flow: Flow::default().limit(Limit::concurrency("b", 1)), ..job() };
    let pushed = case.push(vec![blocker, NewJob { flow: both, ..job() }, rated("a", 1)]).await;
    assert_eq!(ids(&case.claim(worker, 9).await), [pushed[0], pushed[2]]);
}

pub async fn one_key_may_have_a_rate_and_a_concurrency(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let both = Flow::default().limit(Limit::rate("a", 2, SECOND)).limit(Limit::concurrency("a", 1));
    let pushed = case.push(vec![NewJob { flow: both, ..job() }; 3]).await;
    for id in &pushed[..2] {
        let lease = case.start(*id, worker).await;
        assert_eq!(case.claim(worker, 9).await, []);
        case.settle(lease, completed("1")).await;
    }
    let batch = case.claim_as(case.asks(worker, 9)).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (0, Some(after(case.now, SECOND / 2))));
    case.pass(SECOND / 2);
    case.start(pushed[2], worker).await;
}

pub async fn a_job_that_was_never_begun_is_as_if_it_had_not_been_claimed(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let pushed = case.push(vec![rated("a", 1); 2]).await;
    let lease = case.start(pushed[0], worker).await;
    assert_eq!(case.claim(worker, 9).await, []);
    case.settle(lease, Outcome::Unstarted).await;
    let job = case.record(pushed[0]).await;
    assert_eq!((job.state, job.attempt, job.worker), (JobState::Ready, 0, None));
    assert_eq!(case.history(pushed[0]).await, []);
    // Its token is there for whoever comes first, and there is only one.
    assert_eq!(ids(&case.claim(worker, 9).await), pushed[..1]);
}

pub async fn a_rate_limited_job_uses_no_attempt_and_is_told_in_the_history(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.settle(lease, Outcome::RateLimited { until: after(case.now, SECOND) }).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.attempt, job.run_at), (JobState::Scheduled, 0, after(case.now, SECOND)));
    assert_eq!(case.history(lease.job).await[0].outcome, "rate limited");
    case.pass(SECOND);
    case.start(lease.job, worker).await;
}

pub async fn a_rate_limited_job_holds_the_others_of_its_rate_keys(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let pushed = case.push(vec![rated("a", 100); 3]).await;
    let lease = case.start(pushed[0], worker).await;
    case.settle(lease, Outcome::RateLimited { until: after(case.now, SECOND * 60) }).await;
    let free = case.push_one(rated("b", 100)).await;
    let batch = case.claim_as(case.asks(worker, 9)).await;
    assert_eq!(ids(&batch.jobs), [free]);
    case.pass(SECOND * 60 - Duration::from_millis(1));
    assert_eq!(case.claim(worker, 9).await, []);
    case.pass(Duration::from_millis(1));
    let claimed = case.claim(worker, 9).await;
    assert_eq!(ids(&claimed), pushed[1..2]);
    case.pass(SECOND);
    assert_eq!(case.claim(worker, 9).await.len(), 2);
}

pub async fn a_newer_limit_counts_for_the_jobs_that_carry_it(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![rated("a", 1); 1]).await;
    case.claim_one(worker).await;
    case.pass(HOUR);
    case.push(vec![rated("a", 3); 5]).await;
    assert_eq!(case.claim(worker, 9).await.len(), 3);
}
