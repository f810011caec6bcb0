#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{Claimed, Flow, JobId, JobState, Lease, Limit, NewJob, Outcome, WorkerId};
use crate::store::{BeatKind, CancelAnswer, Claim, Push, Store, Topic};

/// A job of which at most so many of its key run at once.
fn limited(key: &str, count: u32) -> NewJob {
    NewJob { flow: Flow::default().limit(Limit::concurrency(key, count)), ..job() }
}

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|job| job.lease.job).collect()
}

impl Case {
    /// Two jobs of a key for one, and the first of them running.
    async fn one_runs_one_is_held(&self, worker: WorkerId) -> (Lease, JobId) {
        let pushed = self.push(vec![limited("a", 1); 2]).await;
        let claimed = self.claim(worker, 9).await;
        assert_eq!(ids(&claimed), pushed[..1]);
        (claimed[0].lease, pushed[1])
    }
}

pub async fn no_more_jobs_of_a_key_run_than_its_limit(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (one, other) = (case.join().await, case.join().await);
    let pushed = case.push(vec![limited("a", 2); 5]).await;
    let first = case.claim(one, 9).await;
    assert_eq!(ids(&first), pushed[..2]);
    assert_eq!(case.claim(other, 9).await, []);
    case.settle(first[1].lease, completed("1")).await;
    assert_eq!(case.claim_ids(other, 9).await, pushed[2..3]);
    assert_eq!(case.claim(one, 9).await, []);
}

pub async fn a_job_over_its_limit_is_passed_over(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let pushed =
        case.push(vec![limited("a", 1), limited("a", 1), job(), limited("b", 1), limited("a", 1), job()]).await;
    assert_eq!(case.claim_ids(worker, 3).await, [pushed[0], pushed[2], pushed[3]]);
    assert_eq!(case.claim_ids(worker, 3).await, [pushed[5]]);
}

pub async fn a_job_over_its_limit_is_ready_and_told_what_holds_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(worker).await;
    let job = case.record(held).await;
    assert_eq!((job.state, job.held_by.as_deref(), job.attempt), (JobState::Ready, Some("a"), 0));
    case.settle(lease, completed("1")).await;
    case.start(held, worker).await;
    assert_eq!(case.record(held).await.held_by, None);
}

pub async fn every_way_out_of_running_frees_its_place(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in every_outcome(case.in_an_hour()) {
        let (lease, held) = case.one_runs_one_is_held(worker).await;
        let again = matches!(outcome, Outcome::Unstarted | Outcome::HandedBack { .. });
        case.settle(lease, outcome.clone()).await;
        // One that goes on at once is the first in the line again.
        let next = if again { lease.job } else { held };
        let next_lease = case.start(next, worker).await;
        assert_eq!(case.claim(worker, 9).await, [], "{outcome:?}");
        case.settle(next_lease, completed("1")).await;
        if again {
            let lease = case.start(held, worker).await;
            case.settle(lease, completed("1")).await;
        } else {
            case.cancel(lease.job).await;
        }
    }
}

pub async fn the_jobs_of_a_dead_worker_free_their_places(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let dead = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(dead).await;
    case.pass(LEASE);
    let worker = case.join().await;
    assert_eq!(case.claim(worker, 9).await, []);
    assert_eq!(case.rescue().await, [lease.job]);
    let again = case.claim(worker, 9).await;
    assert_eq!(again.iter().map(|job| job.lease.job).collect::<Vec<_>>(), [lease.job]);
    case.settle(again[0].lease, completed("1")).await;
    assert_eq!(case.claim_ids(worker, 9).await, [held]);
}

pub async fn a_poison_pill_frees_its_place(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let dead = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(dead).await;
    case.pass(LEASE);
    case.rescue_until(1).await;
    assert_eq!(case.state(lease.job).await, JobState::Dead);
    assert_eq!(case.claim_ids(case.join().await, 9).await, [held]);
}

pub async fn a_worker_that_leaves_frees_the_places_of_its_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let gone = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(gone).await;
    case.beat(gone, BeatKind::Leave).await;
    let worker = case.join().await;
    let again = case.claim(worker, 9).await;
    assert_eq!(again.iter().map(|job| job.lease.job).collect::<Vec<_>>(), [lease.job]);
    case.settle(again[0].lease, completed("1")).await;
    assert_eq!(case.claim_ids(worker, 9).await, [held]);
}

pub async fn an_outcome_that_comes_too_late_frees_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, _) = case.one_runs_one_is_held(worker).await;
    case.finish(Lease { claim: lease.claim + 7, ..lease }, completed("1")).await;
    assert_eq!(case.claim(worker, 9).await, []);
}

pub async fn a_job_with_several_limits_needs_them_all_and_takes_from_none_otherwise(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let both = Flow::default().limit(Limit::concurrency("a", 1)).limit(Limit::concurrency("b", 1));
    let pushed = case.push(vec![limited("b", 1), NewJob { flow: both, ..job() }, limited("a", 1)]).await;
    let claimed = case.claim(worker, 9).await;
    assert_eq!(ids(&claimed), [pushed[0], pushed[2]]);
    case.settle(claimed[0].lease, completed("1")).await;
    assert_eq!(case.claim(worker, 9).await, []);
    assert_eq!(case.record(pushed[1]).await.held_by.as_deref(), Some("a"));
    case.settle(claimed[1].lease, completed("1")).await;
    assert_eq!(case.claim_ids(worker, 9).await, [pushed[1]]);
}

pub async fn of_those_that_were_held_the_most_urgent_is_next(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(worker).await;
    let urgent = case.push_one(NewJob { priority: 5, ..limited("a", 1) }).await;
    let later = case.push_one(limited("a", 1)).await;
    assert_eq!(case.claim(worker, 9).await, []);
    case.settle(lease, completed("1")).await;
    for next in [urgent, held, later] {
        let lease = case.start(next, worker).await;
        assert_eq!(case.claim(worker, 9).await, []);
        case.settle(lease, completed("1")).await;
    }
}

pub async fn a_job_dispatched_later_does_not_overtake_those_that_are_held(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(worker).await;
    case.settle(lease, completed("1")).await;
    case.push_one(limited("a", 1)).await;
    assert_eq!(case.claim_ids(worker, 9).await, [held]);
}

pub async fn a_held_job_that_nobody_performs_holds_up_no_other_of_its_key(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let running = case.push_one(limited("a", 1)).await;
    let lease = case.start(running, worker).await;
    let foreign = NewJob { queue: "other".into(), priority: 9, ..limited("a", 1) };
    let newer = NewJob { version: 2, priority: 9, ..limited("a", 1) };
    case.push(vec![foreign, newer]).await;
    let own = case.push_one(limited("a", 1)).await;
    let everything = Claim {
        names: [("job", 2)].map(|(name, version)| crate::store::Served { name: name.to_owned(), version }).into(),
        ..case.asks(worker, 9)
    };
    assert_eq!(case.claim_as(everything).await.jobs, []);
    case.settle(lease, completed("1")).await;
    let of_one_queue = Claim { queues: Some(strings(&["default"])), ..case.asks(worker, 9) };
    let batch = case.claim_as(of_one_queue.clone()).await;
    assert_eq!(ids(&batch.jobs), [own]);
    case.settle(batch.jobs[0].lease, completed("1")).await;
    let batch = case.claim_as(of_one_queue).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (0, None));
}

pub async fn a_candidate_that_is_cancelled_or_deleted_makes_way_for_the_next(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, first) = case.one_runs_one_is_held(worker).await;
    let others = case.push(vec![limited("a", 1); 2]).await;
    assert_eq!(case.claim(worker, 9).await, []);
    case.settle(lease, completed("1")).await;
    // A more urgent job fills the claim, so that the one let out stays where it can be cancelled.
    case.push(vec![NewJob { priority: 9, ..job() }; 2]).await;
    case.claim_one(worker).await;
    assert_eq!(case.cancel(first).await, CancelAnswer::Cancelled);
    case.claim_one(worker).await;
    assert!(case.delete(others[0]).await);
    case.start(others[1], worker).await;
}

pub async fn a_held_job_can_be_cancelled_and_deleted(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(worker).await;
    let other = case.push_one(limited("a", 1)).await;
    case.claim(worker, 9).await;
    assert!(!case.retry(held).await);
    assert_eq!(case.cancel(held).await, CancelAnswer::Cancelled);
    let job = case.record(held).await;
    assert_eq!((job.state, job.held_by), (JobState::Cancelled, None));
    assert!(case.delete(other).await);
    case.settle(lease, completed("1")).await;
    assert_eq!(case.claim(worker, 9).await, []);
    assert!(case.retry(held).await);
    case.start(held, worker).await;
}

pub async fn held_jobs_are_counted_and_listed_as_ready(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (_, held) = case.one_runs_one_is_held(worker).await;
    let ready = case.push_one(job()).await;
    let counts = case.inspect().counts(case.now).await.unwrap();
    assert_eq!((counts.ready, counts.running, counts.open()), (2, 1, 3));
    let queue = case.inspect().queues(case.now).await.unwrap().remove(0);
    assert_eq!((queue.ready, queue.running, queue.oldest_due), (2, 1, Some(case.now)));
    let filter = crate::store::Filter { states: vec![JobState::Ready], ..Default::default() };
    let listed = case.inspect().list(&filter, case.now).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), [ready, held]);
}

pub async fn a_scheduled_job_is_held_only_when_it_is_due(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(worker).await;
    let later = case.push_one(NewJob { run_at: Some(after(case.now, SECOND)), ..limited("a", 1) }).await;
    assert_eq!(case.claim(worker, 9).await, []);
    assert_eq!(case.state(later).await, JobState::Scheduled);
    case.pass(SECOND);
    assert_eq!(case.claim(worker, 9).await, []);
    assert_eq!(case.record(later).await.held_by.as_deref(), Some("a"));
    case.settle(lease, completed("1")).await;
    assert_eq!(case.claim_ids(worker, 9).await, [held]);
}

pub async fn a_retried_job_keeps_its_limits(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, held) = case.one_runs_one_is_held(worker).await;
    case.settle(lease, dead(crate::job::DeadReason::Exhausted)).await;
    case.start(held, worker).await;
    assert!(case.retry(lease.job).await);
    assert_eq!(case.claim(worker, 9).await, []);
    assert_eq!(case.record(lease.job).await.held_by.as_deref(), Some("a"));
}

pub async fn a_member_of_a_chain_keeps_its_limits(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut members = chain(2);
    members[1].flow = Flow::default().limit(Limit::concurrency("a", 1));
    let blocker = case.push_one(limited("a", 1)).await;
    let blocker = case.start(blocker, worker).await;
    let pushed = case.push(members).await;
    let first = case.start(pushed[0], worker).await;
    case.settle(first, completed("1")).await;
    assert_eq!(case.claim(worker, 9).await, []);
    case.settle(blocker, completed("1")).await;
    case.start(pushed[1], worker).await;
}

pub async fn a_place_that_is_freed_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (lease, _) = case.one_runs_one_is_held(worker).await;
    let mut wakeups = case.store.wakeups(Topic::Ready);
    wakeups.forget();
    case.settle(lease, completed("1")).await;
    wakeups.changed().await;
}

pub async fn held_jobs_cost_later_claims_nothing_and_ask_for_no_polling(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![limited("a", 1); 3_000]).await;
    let mut claimed = 0;
    loop {
        let batch = case.claim_as(case.asks(worker, 10)).await;
        claimed += batch.jobs.len();
        if batch.next_due.is_none_or(|due| due > case.now) && batch.jobs.is_empty() {
            break;
        }
    }
    assert_eq!(claimed, 1);
    let batch = case.claim_as(case.asks(worker, 10)).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (0, None));
    let behind = case.push_one(job()).await;
    assert_eq!(case.claim_ids(worker, 10).await, [behind]);
}

pub async fn limits_under_which_nothing_could_run_are_refused(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let wrong = [
        Flow::default().limit(Limit::concurrency("a", 0)),
        Flow::default().limit(Limit::rate("a", 0, SECOND)),
        Flow::default().limit(Limit::rate("a", 1, std::time::Duration::ZERO)),
        Flow::default().limit(Limit::concurrency("\u{1}queue a", 1)),
        Flow::default().limit(Limit::concurrency("a", 1)).limit(Limit::concurrency("a", 2)),
    ];
    for flow in wrong {
        let pushed = case.store.push(Push::of(vec![job(), NewJob { flow: flow.clone(), ..job() }], case.now)).await;
        assert!(pushed.unwrap_err().to_string().contains("job 1 of a push"), "{flow:?}");
    }
    assert_eq!(case.inspect().counts(case.now).await.unwrap().open(), 0);
}
