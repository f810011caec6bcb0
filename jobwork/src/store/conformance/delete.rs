#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::job::{DeadReason, JobId, JobState, NewJob};
use crate::store::{CancelAnswer, Counts, Filter, Store};

pub async fn a_deleted_job_is_forgotten(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    assert!(case.delete(lease.job).await);
    assert_eq!(case.find(lease.job).await, None);
    assert_eq!(case.history(lease.job).await, []);
    assert_eq!(case.inspect().list(&Filter::default(), case.now).await.unwrap(), []);
    assert_eq!(case.inspect().counts(case.now).await.unwrap(), Counts::default());
    assert!(!case.retry(lease.job).await && !case.delete(lease.job).await);
    assert_eq!(case.cancel(lease.job).await, CancelAnswer::NotFound);
}

pub async fn a_job_in_any_state_but_running_can_be_deleted(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = case.push(vec![due(case.in_an_hour()), job(), after_job(1)]).await;
    let lease = case.start(ids[1], worker).await;
    assert!(!case.delete(ids[1]).await);
    assert_eq!(case.state(ids[1]).await, JobState::Running);
    ids.swap_remove(1);
    ids.push(case.push_one(job()).await);
    assert_eq!(case.inspect().delete(&ids, case.now).await.unwrap(), [true; 3]);
    case.pass(HOUR);
    assert_eq!(case.claim(worker, 9).await, []);
    case.settle(lease, completed("1")).await;
}

pub async fn an_unknown_job_is_not_deleted(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let known = case.push_one(job()).await;
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    assert_eq!(case.inspect().delete(&[unknown, known], case.now).await.unwrap(), [false, true]);
}

pub async fn members_that_waited_for_a_deleted_job_are_cancelled(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(3)).await;
    assert!(case.delete(ids[0]).await);
    assert_eq!(case.states(&ids[1..]).await, [JobState::Cancelled; 2]);
    for id in &ids[1..] {
        let reason = case.record(*id).await.reason.unwrap();
        assert!(reason.contains(&ids[0].to_string()) && reason.contains("was deleted"), "{reason}");
        assert!(!case.retry(*id).await, "what it waits for will never come");
    }
}

pub async fn members_blocked_by_a_deleted_job_are_cancelled(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(2)).await;
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    case.delete(ids[0]).await;
    let member = case.record(ids[1]).await;
    assert_eq!((member.state, member.blocked), (JobState::Cancelled, false));
}

pub async fn deleting_a_completed_member_leaves_the_rest_alone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(3)).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    assert!(case.delete(ids[0]).await);
    assert_eq!(case.states(&ids[1..]).await, [JobState::Ready, JobState::Waiting]);
    let members = case.inspect().chain(ids[2], case.now).await.unwrap();
    assert_eq!(members.into_iter().map(|member| member.id).collect::<Vec<_>>(), ids[1..]);
    for id in &ids[1..] {
        let lease = case.start(*id, worker).await;
        case.settle(lease, completed("2")).await;
    }
}

pub async fn deleting_a_waiting_member_lets_the_one_before_it_run(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(3)).await;
    assert!(case.delete(ids[1]).await);
    assert_eq!(case.state(ids[2]).await, JobState::Cancelled);
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&[ids[0], ids[2]]).await, [JobState::Completed, JobState::Cancelled]);
}

pub async fn the_id_of_a_deleted_job_is_not_given_again(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let old = case.push_one(job()).await;
    case.delete(old).await;
    let gone = case.push_one(NewJob { retain: Some(Duration::ZERO), ..job() }).await;
    let lease = case.claim_one(worker).await.lease;
    // The two may share a write.
    let ((), new) = tokio::join!(case.settle(lease, completed("1")), case.push_one(job()));
    let next = case.push_one(job()).await;
    let mut all = vec![old, gone, new, next];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
    assert_eq!((case.find(old).await, case.find(gone).await), (None, None));
}
