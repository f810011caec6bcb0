#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::job::{DeadReason, Outcome};
use crate::store::{BeatKind, Command, Store, Topic, Wakeups};

/// Far longer than any store takes to give a hint; reached only by one that gives none.
const PATIENCE: Duration = Duration::from_secs(10);

async fn comes(wakeups: &mut Wakeups, what: &str) {
    let woken = tokio::time::timeout(PATIENCE, wakeups.changed()).await;
    assert!(woken.is_ok(), "no wake-up came after {what}");
}

pub async fn a_push_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut ready = case.store.wakeups(Topic::Ready);
    case.push(jobs(1)).await;
    comes(&mut ready, "a push").await;
    case.push(vec![due(case.in_an_hour())]).await;
    comes(&mut ready, "a push of a scheduled job").await;
}

pub async fn a_sleeper_is_woken(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut ready = case.store.wakeups(Topic::Ready);
    let sleeper = tokio::spawn(async move { comes(&mut ready, "a push").await });
    tokio::task::yield_now().await;
    case.push(jobs(1)).await;
    sleeper.await.unwrap();
}

pub async fn everybody_who_waits_is_woken(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut all = [(); 5].map(|()| case.store.wakeups(Topic::Ready));
    case.push(jobs(1)).await;
    for ready in &mut all {
        comes(ready, "a push").await;
    }
}

pub async fn an_outcome_that_makes_a_job_ready_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [failed(case.now), Outcome::Snoozed { until: case.now }, handed_back()] {
        let lease = case.running(worker).await;
        let mut ready = case.store.wakeups(Topic::Ready);
        case.settle(lease, outcome.clone()).await;
        comes(&mut ready, &format!("{outcome:?}")).await;
        case.delete(lease.job).await;
    }
}

pub async fn a_released_member_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(2)).await;
    let lease = case.start(ids[0], case.join().await).await;
    let mut ready = case.store.wakeups(Topic::Ready);
    case.settle(lease, completed("1")).await;
    comes(&mut ready, "the release of a chain's next member").await;
}

pub async fn a_retry_by_hand_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let job = case.push_one(due(case.in_an_hour())).await;
    let mut ready = case.store.wakeups(Topic::Ready);
    case.retry(job).await;
    comes(&mut ready, "a retry").await;
}

pub async fn a_rescue_wakes_those_who_wait_for_jobs_and_the_worker_taken_for_dead(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    case.die_running(job).await;
    let mut ready = case.store.wakeups(Topic::Ready);
    let mut signals = case.store.wakeups(Topic::Signals);
    case.rescue().await;
    comes(&mut ready, "a rescue").await;
    comes(&mut signals, "a worker was declared dead").await;
}

pub async fn a_worker_that_leaves_with_jobs_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.running(worker).await;
    let mut ready = case.store.wakeups(Topic::Ready);
    case.beat(worker, BeatKind::Leave).await;
    comes(&mut ready, "a worker left").await;
}

pub async fn every_end_wakes_those_who_wait_for_results(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let lease = case.running(worker).await;
        let mut settled = case.store.wakeups(Topic::Settled);
        case.settle(lease, outcome.clone()).await;
        comes(&mut settled, &format!("{outcome:?}")).await;
    }
}

pub async fn an_end_by_hand_wakes_those_who_wait_for_results(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(jobs(2)).await;
    let mut settled = case.store.wakeups(Topic::Settled);
    case.cancel(ids[0]).await;
    comes(&mut settled, "a cancel").await;
    case.delete(ids[1]).await;
    comes(&mut settled, "a delete").await;
}

pub async fn a_poison_pill_wakes_those_who_wait_for_results(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(job()).await;
    case.die_running(job).await;
    let mut settled = case.store.wakeups(Topic::Settled);
    case.rescue_until(1).await;
    comes(&mut settled, "a poison pill").await;
}

pub async fn a_cancel_of_a_running_job_wakes_its_worker(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let mut signals = case.store.wakeups(Topic::Signals);
    case.cancel(lease.job).await;
    comes(&mut signals, "a cancel").await;
}

pub async fn a_command_wakes_its_worker(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut signals = case.store.wakeups(Topic::Signals);
    case.inspect().command(worker, Command::Quiet).await.unwrap();
    comes(&mut signals, "a command").await;
}

pub async fn what_a_wake_up_is_about_can_be_seen_when_it_comes(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut ready = case.store.wakeups(Topic::Ready);
    let claimer = tokio::spawn({
        let case = case.clone();
        async move {
            while case.claim(worker, 1).await.is_empty() {
                comes(&mut ready, "a push").await;
            }
        }
    });
    case.push(jobs(1)).await;
    claimer.await.unwrap();
}
