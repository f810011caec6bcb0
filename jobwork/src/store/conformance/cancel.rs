#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::job::{DeadReason, JobId, JobState, Outcome};
use crate::store::{CancelAnswer, Settled, Store};

pub async fn a_job_that_does_not_run_is_cancelled_at_once(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let ids = case.push(vec![job(), due(case.in_an_hour()), job(), after_job(2)]).await;
    for id in [ids[0], ids[1], ids[3]] {
        assert_eq!(case.cancel(id).await, CancelAnswer::Cancelled);
        let job = case.record(id).await;
        assert_eq!((job.state, job.finished_at), (JobState::Cancelled, Some(case.now)));
    }
    case.pass(HOUR);
    let claimed = case.claim(case.join().await, 9).await;
    assert_eq!(claimed.into_iter().map(|job| job.lease.job).collect::<Vec<_>>(), [ids[2]]);
}

pub async fn a_running_job_is_asked_and_runs_on(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    assert!(!case.record(lease.job).await.cancel_requested);
    assert_eq!(case.cancel(lease.job).await, CancelAnswer::Requested);
    assert_eq!(case.cancel(lease.job).await, CancelAnswer::Requested);
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.worker, job.cancel_requested), (JobState::Running, Some(worker), true));
}

pub async fn a_job_that_ended_stays_as_it_is(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let lease = case.running(worker).await;
        case.settle(lease, outcome).await;
        let before = case.record(lease.job).await;
        assert_eq!(case.cancel(lease.job).await, CancelAnswer::Ended);
        assert_eq!(case.record(lease.job).await, before);
    }
}

pub async fn the_answers_come_in_the_order_of_the_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ended = case.running(worker).await;
    case.settle(ended, completed("1")).await;
    let running = case.running(worker).await.job;
    let ready = case.push_one(job()).await;
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    let answers = case.inspect().cancel(&[unknown, ready, ended.job, running], case.now).await.unwrap();
    use CancelAnswer::{Cancelled, Ended, NotFound, Requested};
    assert_eq!(answers, [NotFound, Cancelled, Ended, Requested]);
}

pub async fn a_job_to_be_cancelled_is_never_tried_again(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let later = case.in_an_hour();
    for outcome in [failed(later), Outcome::Snoozed { until: later }, handed_back()] {
        let lease = case.running(worker).await;
        case.cancel(lease.job).await;
        let failure = outcome.failure().cloned();
        case.settle(lease, outcome).await;
        let job = case.record(lease.job).await;
        assert_eq!((job.state, job.finished_at, job.worker), (JobState::Cancelled, Some(case.now), None));
        let last = case.history(lease.job).await.pop().unwrap();
        assert_eq!((last.outcome.as_str(), last.failure), ("cancelled", failure));
    }
    case.pass(HOUR);
    assert_eq!(case.claim(worker, 9).await, []);
}

pub async fn a_job_to_be_cancelled_that_ends_first_ends_as_it_says(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    use JobState::{Completed, Dead, Discarded};
    let ends = [(completed("1"), Completed), (discarded(), Discarded), (dead(DeadReason::Exhausted), Dead)];
    for (outcome, state) in ends {
        let lease = case.running(worker).await;
        case.cancel(lease.job).await;
        case.settle(lease, outcome).await;
        assert_eq!(case.state(lease.job).await, state);
    }
}

pub async fn asking_to_cancel_takes_nobodys_lease(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.cancel(lease.job).await;
    case.settle(lease, cancelled()).await;
    assert_eq!(case.finish(lease, completed("1")).await, Settled::Lost);
    assert_eq!(case.state(lease.job).await, JobState::Cancelled);
}

pub async fn cancelling_a_job_leaves_the_others_alone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(jobs(3)).await;
    case.cancel(ids[1]).await;
    assert_eq!(case.states(&ids).await, [JobState::Ready, JobState::Cancelled, JobState::Ready]);
}
