#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use super::unique::{keyed, unique};
use crate::job::JobState::{Cancelled, Completed, Dead, Discarded, Ready, Running, Scheduled, Waiting};
use crate::job::{Claimed, DeadReason, Flow, JobId, NewJob, Unique, UniqueStates, Wait};
use crate::store::{CancelAnswer, Store};

pub async fn a_job_that_ended_is_ready_now_with_all_its_retries(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let lease = case.running(worker).await;
        case.settle(lease, outcome).await;
        case.pass(SECOND);
        assert!(case.retry(lease.job).await);
        let job = case.record(lease.job).await;
        assert_eq!((job.state, job.attempt, job.rescues, job.run_at), (Ready, 0, 0, case.now));
        assert_eq!((job.output, job.reason, job.finished_at, job.cancel_requested), (None, None, None, false));
        assert_eq!(case.start(lease.job, worker).await.attempt, 1);
    }
}

pub async fn a_retry_keeps_the_history(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    let before = case.history(lease.job).await;
    case.retry(lease.job).await;
    assert_eq!((before.len(), case.history(lease.job).await), (1, before));
}

pub async fn a_scheduled_job_is_ready_now(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let new = case.push_one(due(case.in_an_hour())).await;
    assert!(case.retry(new).await);
    assert_eq!(case.record(new).await.run_at, case.now);
    let lease = case.start(new, worker).await;
    case.settle(lease, failed(case.in_an_hour())).await;
    assert!(case.retry(new).await);
    assert_eq!(case.start(new, worker).await.attempt, 1);
}

pub async fn a_job_that_is_on_its_way_is_left_alone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![job(), after_job(0)]).await;
    case.start(ids[0], case.join().await).await;
    let ready = case.push_one(job()).await;
    let all = [ids[0], ids[1], ready];
    let before = case.inspect().get(&all, case.now).await.unwrap();
    assert_eq!(case.inspect().retry(&all, case.now).await.unwrap(), [false; 3]);
    assert_eq!(case.inspect().get(&all, case.now).await.unwrap(), before);
    assert_eq!(case.states(&all).await, [Running, Waiting, Ready]);
}

pub async fn a_retry_answers_in_the_order_of_the_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![due(case.in_an_hour()), job()]).await;
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    let answers = case.inspect().retry(&[ids[1], unknown, ids[0]], case.now).await.unwrap();
    assert_eq!(answers, [false, false, true]);
}

pub async fn members_cancelled_with_a_revived_one_wait_again(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [cancelled(), discarded()] {
        let ids = case.push(chain(3)).await;
        let lease = case.start(ids[0], worker).await;
        case.settle(lease, outcome).await;
        assert!(case.retry(ids[0]).await);
        assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting]);
        let member = case.record(ids[2]).await;
        assert_eq!((member.reason, member.finished_at, member.blocked), (None, None, false));
        for (id, output) in ids.iter().zip(["1", "2", "3"]) {
            let lease = case.start(*id, worker).await;
            case.settle(lease, completed(output)).await;
        }
        assert_eq!(case.record(ids[2]).await.args, r#"{"input":2}"#);
    }
}

pub async fn members_cancelled_by_hand_stay_cancelled(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(3)).await;
    case.cancel(ids[1]).await;
    case.cancel(ids[0]).await;
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Ready, Cancelled, Cancelled]);
}

pub async fn a_revived_member_waits_for_what_it_still_waits_for(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(3)).await;
    case.cancel(ids[1]).await;
    assert!(case.retry(ids[1]).await);
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting]);
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.claim_one(worker).await.args, r#"{"input":1}"#);
}

pub async fn a_member_revived_after_the_one_before_it_completed_has_its_output(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(2)).await;
    case.cancel(ids[1]).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("7")).await;
    assert!(case.retry(ids[1]).await);
    let claimed = case.claim_one(worker).await;
    assert_eq!((claimed.lease.job, claimed.args.as_str()), (ids[1], r#"{"input":7}"#));
}

pub async fn a_member_is_not_revived_before_what_it_waits_for(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(3)).await;
    case.cancel(ids[0]).await;
    assert!(!case.retry(ids[2]).await);
    assert!(!case.retry(ids[1]).await);
    assert_eq!(case.states(&ids).await, [Cancelled; 3]);
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting]);
}

pub async fn a_dead_member_that_is_retried_and_dies_again_blocks_again(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(2)).await;
    for _ in 0..2 {
        let lease = case.start(ids[0], worker).await;
        case.settle(lease, dead(DeadReason::Exhausted)).await;
        assert_eq!((case.states(&ids).await, case.record(ids[1]).await.blocked), (vec![Dead, Waiting], true));
        case.retry(ids[0]).await;
    }
}

pub async fn a_member_that_completes_a_second_time_releases_nobody_twice(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(3)).await;
    for (id, output) in ids.iter().take(2).zip(["1", "2"]) {
        let lease = case.start(*id, worker).await;
        case.settle(lease, completed(output)).await;
    }
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Ready, Completed, Ready]);
    let again = case.start(ids[0], worker).await;
    let last = case.start(ids[2], worker).await;
    case.settle(again, completed("9")).await;
    assert_eq!(case.states(&ids).await, [Completed, Completed, Running]);
    assert_eq!(case.record(ids[1]).await.args, r#"{"input":1}"#);
    case.settle(last, completed("3")).await;
}

pub async fn a_completed_member_that_is_retried_and_cancelled_takes_nobody_along(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(3)).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    case.retry(ids[0]).await;
    case.cancel(ids[0]).await;
    assert_eq!(case.states(&ids).await, [Cancelled, Ready, Waiting]);
}

pub async fn a_retried_job_keeps_its_queue_priority_and_arguments(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let given = NewJob { queue: "mail".into(), priority: 4, retries: 2, args: "[1]".to_owned(), ..job() };
    let id = case.push_one(given).await;
    let first = case.claim_one(worker).await;
    case.settle(first.lease, discarded()).await;
    assert_eq!(case.state(id).await, Discarded);
    case.retry(id).await;
    let second = case.claim_one(worker).await;
    assert_eq!(second, Claimed { lease: second.lease, ..first });
    assert_eq!((second.lease.attempt, second.lease.claim), (1, 2));
}

pub async fn a_retry_of_a_scheduled_retry_leaves_the_rest_of_the_chain_waiting(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(2)).await;
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, failed(case.in_an_hour())).await;
    assert_eq!(case.states(&ids).await, [Scheduled, Waiting]);
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Ready, Waiting]);
}

/// Two jobs, and one that waits for both.
fn fan_in() -> Vec<NewJob> {
    let waits = [0, 1].map(|on| Wait { on, slot: None }).to_vec();
    vec![job(), job(), NewJob { waits, ..job() }]
}

pub async fn a_job_that_waits_for_several_is_revived_when_none_of_them_is_cancelled(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(fan_in()).await;
    case.cancel(ids[0]).await;
    case.cancel(ids[1]).await;
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Ready, Cancelled, Cancelled]);
    let reason = case.record(ids[2]).await.reason.unwrap();
    assert!(reason.contains(&ids[1].to_string()), "it is cancelled because of the other one now: {reason}");
    assert!(case.retry(ids[1]).await);
    assert_eq!(case.states(&ids).await, [Ready, Ready, Waiting]);
}

pub async fn a_job_that_has_its_output_is_not_cancelled_with_a_retry_of_the_giver(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(fan_in()).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    case.retry(ids[0]).await;
    case.cancel(ids[0]).await;
    assert_eq!(case.states(&ids).await, [Cancelled, Ready, Waiting]);
    let lease = case.start(ids[1], worker).await;
    case.settle(lease, completed("2")).await;
    assert_eq!(case.state(ids[2]).await, Ready);
}

pub async fn a_retried_job_has_its_key_again(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for states in [UniqueStates::UNTIL_STARTED, UniqueStates::UNTIL_ENDED, UniqueStates::UNLESS_FAILED] {
        let first = case.push_one(unique(Unique::new("k").states(states))).await;
        case.settle(case.start(first, worker).await, dead(DeadReason::Exhausted)).await;
        assert!(case.is_free("k").await);
        assert!(case.retry(first).await);
        assert!(!case.is_free("k").await);
        case.settle(case.start(first, worker).await, dead(DeadReason::Exhausted)).await;
        assert!(case.is_free("k").await);
    }
}

pub async fn a_job_whose_key_another_has_is_not_retried(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let first = case.push_one(keyed("k")).await;
        case.settle(case.start(first, worker).await, outcome).await;
        let second = case.push_one(keyed("k")).await;
        let before = case.record(first).await;
        assert!(!case.retry(first).await);
        assert_eq!(case.record(first).await, before);
        case.settle(case.start(second, worker).await, completed("1")).await;
        assert!(case.retry(first).await, "it is free again");
        case.delete(first).await;
    }
}

pub async fn a_job_retried_after_its_window_asks_for_no_key(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let first = case.push_one(unique(Unique::new("k").window(HOUR))).await;
    case.settle(case.start(first, worker).await, dead(DeadReason::Exhausted)).await;
    case.pass(HOUR);
    let second = case.push_one(keyed("k")).await;
    assert!(case.retry(first).await);
    case.delete(second).await;
    assert!(case.is_free("k").await);
}

pub async fn a_revived_member_whose_key_another_has_stays_cancelled_with_those_after_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut push = chain(4);
    push[2].flow = Flow::default().unique(Unique::new("k"));
    let ids = case.push(push).await;
    case.cancel(ids[0]).await;
    let other = case.push_one(keyed("k")).await;
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Cancelled, Cancelled]);
    let reason = case.record(ids[2]).await.reason.unwrap();
    assert!(reason.contains(&other.to_string()) && reason.contains("unique key"), "{reason}");
    let after_it = case.record(ids[3]).await.reason.unwrap();
    assert!(after_it.contains(&ids[2].to_string()) && after_it.contains(&reason), "{after_it}");
    case.delete(other).await;
    assert!(case.retry(ids[2]).await);
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting, Waiting]);
    assert!(!case.is_free("k").await);
    for id in ids {
        case.settle(case.start(id, worker).await, completed("1")).await;
    }
}

pub async fn a_revived_member_has_its_key_again(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = chain(2);
    push[1].flow = Flow::default().unique(Unique::new("k"));
    let ids = case.push(push).await;
    case.cancel(ids[0]).await;
    assert!(case.is_free("k").await);
    case.retry(ids[0]).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting]);
    assert!(!case.is_free("k").await);
}

pub async fn a_job_that_keeps_its_key_when_ended_is_retried_with_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let first = case.push_one(unique(Unique::new("k").states(UniqueStates::ALWAYS))).await;
    case.settle(case.start(first, worker).await, completed("1")).await;
    assert!(case.retry(first).await);
    assert!(!case.is_free("k").await);
    assert_eq!(case.state(first).await, Ready);
}

pub async fn a_retried_job_takes_its_key_from_one_that_has_expired(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    case.cancel(first).await;
    let second = case.push_one(NewJob { expires_at: Some(case.in_an_hour()), ..keyed("k") }).await;
    assert!(!case.retry(first).await);
    case.pass(HOUR);
    assert!(case.retry(first).await);
    assert_eq!(case.states(&[first, second]).await, [Ready, Discarded]);
    assert!(!case.is_free("k").await);
}

pub async fn a_job_that_is_not_kept_is_gone_also_when_it_completes_after_a_retry(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(NewJob { retain: Some(Duration::ZERO), ..job() }).await;
    assert_eq!(case.cancel(id).await, CancelAnswer::Cancelled);
    assert!(case.retry(id).await);
    case.settle(case.claim_one(worker).await.lease, completed("1")).await;
    assert!(case.find(id).await.is_none());
}
