#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::case::*;
use crate::job::{Attempt, DeadReason, FailureKind, JobState};
use crate::store::{Settled, Store};

pub async fn the_job_of_a_dead_worker_is_ready_again_and_loses_no_attempt(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    case.die_running(job).await;
    assert_eq!(case.rescue().await, [job]);
    let record = case.record(job).await;
    assert_eq!((record.state, record.attempt, record.worker), (JobState::Ready, 0, None));
    assert_eq!(case.start(job, case.join().await).await.attempt, 1);
}

pub async fn a_rescue_is_counted_and_told_in_the_history(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    let lease = case.die_running(job).await;
    case.rescue().await;
    assert_eq!(case.record(job).await.rescues, 1);
    let expected = Attempt::new(1, lease.worker, case.now, "rescued".to_owned(), None);
    assert_eq!(case.history(job).await, [expected]);
    assert_eq!(case.claim_one(case.join().await).await.rescues, 1);
}

pub async fn a_worker_is_dead_when_its_lease_ends_and_not_before(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.pass(LEASE - SECOND);
    assert_eq!(case.rescue().await, []);
    assert_eq!(case.state(lease.job).await, JobState::Running);
    case.pass(SECOND);
    assert_eq!(case.rescue().await, [lease.job]);
}

pub async fn the_jobs_of_the_living_are_left_alone(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let dead = case.running(case.join().await).await;
    case.pass(LEASE);
    let living = case.running(case.join().await).await;
    assert_eq!(case.rescue().await, [dead.job]);
    case.settle(living, completed("1")).await;
}

pub async fn a_second_rescue_finds_nothing(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    case.die_running(job).await;
    assert_eq!(case.rescue().await, [job]);
    assert_eq!(case.rescue().await, []);
    assert_eq!((case.record(job).await.rescues, case.history(job).await.len()), (1, 1));
}

pub async fn a_rescued_job_keeps_its_place_in_the_line(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let first = case.push_one(job()).await;
    case.push(jobs(3)).await;
    case.die_running(first).await;
    case.rescue().await;
    case.start(first, case.join().await).await;
}

pub async fn the_late_outcome_of_a_dead_worker_is_lost(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    let late = case.die_running(job).await;
    case.rescue().await;
    assert_eq!(case.finish(late, completed("1")).await, Settled::Lost);
    let lease = case.start(job, case.join().await).await;
    assert_eq!(lease.attempt, late.attempt, "the attempt was given back, so only the worker tells the leases apart");
    for outcome in every_outcome(case.now) {
        assert_eq!(case.finish(late, outcome).await, Settled::Lost);
    }
    assert_eq!((case.state(job).await, case.record(job).await.attempt), (JobState::Running, 1));
    case.settle(lease, completed("2")).await;
    assert_eq!(case.record(job).await.output.as_deref(), Some("2"));
}

pub async fn the_outcome_of_a_late_worker_counts_while_nobody_rescued(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    let late = case.die_running(job).await;
    case.settle(late, completed("1")).await;
    assert_eq!(case.rescue().await, []);
    assert_eq!(case.state(job).await, JobState::Completed);
}

pub async fn the_third_dead_worker_makes_a_poison_pill(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    for rescues in 1..=2 {
        case.die_running(job).await;
        case.rescue().await;
        assert_eq!((case.state(job).await, case.record(job).await.rescues), (JobState::Ready, rescues));
    }
    case.die_running(job).await;
    case.rescue().await;
    let record = case.record(job).await;
    assert_eq!((record.state, record.rescues, record.worker), (JobState::Dead, 3, None));
    assert_eq!((record.reason, record.finished_at), (Some(DeadReason::Poison.to_string()), Some(case.now)));
    let last = case.history(job).await.pop().unwrap();
    assert_eq!((last.outcome.as_str(), last.failure.map(|failure| failure.kind)), ("dead", Some(FailureKind::Poison)));
    assert_eq!(case.claim(case.join().await, 1).await, []);
}

pub async fn a_rescue_without_a_limit_makes_no_poison_pill(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    for _ in 0..6 {
        case.die_running(job).await;
        case.rescue_until(0).await;
    }
    assert_eq!((case.state(job).await, case.record(job).await.rescues), (JobState::Ready, 6));
}

pub async fn a_poison_pill_retried_by_hand_starts_anew(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    case.die_running(job).await;
    case.rescue_until(1).await;
    assert!(case.retry(job).await);
    let record = case.record(job).await;
    assert_eq!((record.state, record.attempt, record.rescues), (JobState::Ready, 0, 0));
    case.die_running(job).await;
    case.rescue().await;
    assert_eq!((case.state(job).await, case.record(job).await.rescues), (JobState::Ready, 1));
}

pub async fn a_rescue_keeps_the_attempts_that_failed(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let first = case.running(worker).await;
    case.settle(first, failed(case.now)).await;
    case.die_running(first.job).await;
    case.rescue().await;
    assert_eq!(case.record(first.job).await.attempt, 1);
    let words: Vec<String> = case.history(first.job).await.into_iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(words, ["failed", "rescued"]);
}

pub async fn a_job_to_be_cancelled_is_cancelled_by_its_rescue(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let ids = case.push(chain(2)).await;
    let worker = case.join().await;
    case.start(ids[0], worker).await;
    case.cancel(ids[0]).await;
    case.pass(LEASE);
    case.rescue().await;
    assert_eq!(case.states(&ids).await, [JobState::Cancelled; 2]);
}

pub async fn a_hundred_jobs_of_many_dead_workers_are_all_rescued(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let pushed: BTreeSet<_> = case.push(jobs(100)).await.into_iter().collect();
    for _ in 0..4 {
        let worker = case.join().await;
        assert_eq!(case.claim(worker, 25).await.len(), 25);
    }
    case.pass(LEASE);
    let rescued = case.rescue().await;
    assert_eq!((rescued.len(), rescued.into_iter().collect::<BTreeSet<_>>()), (100, pushed.clone()));
    let again = case.claim(case.join().await, 200).await;
    assert_eq!(again.into_iter().map(|job| job.lease.job).collect::<BTreeSet<_>>(), pushed);
}
