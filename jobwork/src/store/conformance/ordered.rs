#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::clock::after;
use crate::job::JobState::{Cancelled, Completed, Dead, Discarded, Ready, Running, Scheduled, Waiting};
use crate::job::{DeadReason, Flow, JobId, NewJob, Outcome, Wait};
use crate::store::{BeatKind, Store};

pub(super) fn ordered(key: &str) -> NewJob {
    in_order(key, job())
}

fn in_order(key: &str, job: NewJob) -> NewJob {
    NewJob { flow: Flow::default().ordered(key), ..job }
}

impl Case {
    /// So many jobs of one key, each in a push of its own.
    async fn line(&self, length: usize) -> Vec<JobId> {
        let mut ids = Vec::new();
        for _ in 0..length {
            ids.push(self.push_one(ordered("k")).await);
        }
        ids
    }
}

pub async fn jobs_of_a_key_run_one_after_the_other(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for ids in [case.line(4).await, case.push(vec![ordered("k"); 4]).await] {
        assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting, Waiting]);
        for id in ids {
            let claimed = case.claim(worker, 9).await;
            assert_eq!(claimed.iter().map(|job| job.lease.job).collect::<Vec<_>>(), [id]);
            assert_eq!(claimed[0].args, "{}", "it is given nothing");
            case.settle(claimed[0].lease, completed("1")).await;
        }
    }
}

pub async fn a_job_tells_the_key_of_its_order(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![ordered("k"), job()]).await;
    assert_eq!(case.record(ids[0]).await.ordered.as_deref(), Some("k"));
    assert_eq!(case.record(ids[1]).await.ordered, None);
}

pub async fn other_keys_and_jobs_without_one_are_not_held_up(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![ordered("k"), ordered("k"), ordered("K"), ordered(""), job()]).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Ready, Ready, Ready]);
}

pub async fn every_end_lets_the_next_go(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let ids = case.line(3).await;
        let lease = case.start(ids[0], worker).await;
        case.pass(SECOND);
        case.settle(lease, outcome.clone()).await;
        assert_eq!(case.states(&ids[1..]).await, [Ready, Waiting], "{outcome:?}");
        let next = case.record(ids[1]).await;
        assert_eq!((next.run_at, next.blocked, next.reason), (case.now, false, None));
        case.inspect().delete(&[ids[2], ids[1]], case.now).await.unwrap();
    }
}

pub async fn a_job_that_may_run_again_holds_up_those_behind_it(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let ids = case.line(2).await;
    for outcome in [failed(case.in_an_hour()), Outcome::Snoozed { until: case.in_an_hour() }] {
        case.settle(case.start(ids[0], worker).await, outcome).await;
        assert_eq!(case.states(&ids).await, [Scheduled, Waiting]);
        case.retry(ids[0]).await;
        assert_eq!(case.states(&ids).await, [Ready, Waiting]);
    }
    case.settle(case.start(ids[0], worker).await, handed_back()).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting]);
    case.start(ids[0], worker).await;
    case.beat(worker, BeatKind::Leave).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting]);
    case.die_running(ids[0]).await;
    case.rescue().await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting]);
}

pub async fn a_poison_pill_lets_the_next_go(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let ids = case.line(3).await;
    case.die_running(ids[0]).await;
    case.rescue_until(1).await;
    assert_eq!(case.states(&ids).await, [Dead, Ready, Waiting]);
}

pub async fn a_job_due_later_holds_up_those_behind_it(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(vec![in_order("k", due(case.in_an_hour())), ordered("k")]).await;
    assert_eq!(case.states(&ids).await, [Scheduled, Waiting]);
    assert!(case.claim(worker, 9).await.is_empty());
    case.pass(HOUR);
    case.beat(worker, BeatKind::Live).await;
    case.settle(case.start(ids[0], worker).await, completed("1")).await;
    case.start(ids[1], worker).await;
}

pub async fn the_next_still_waits_for_its_own_time(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![ordered("k"), in_order("k", due(case.in_an_hour()))]).await;
    case.settle(case.start(ids[0], case.join().await).await, completed("1")).await;
    assert_eq!(case.record(ids[1]).await.run_at, case.in_an_hour());
    assert_eq!(case.state(ids[1]).await, Scheduled);
}

pub async fn an_urgent_job_does_not_overtake_in_its_order(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(vec![ordered("k"), in_order("k", NewJob { priority: 9, ..job() })]).await;
    case.settle(case.start(ids[0], worker).await, completed("1")).await;
    case.start(ids[1], worker).await;
}

pub async fn cancelling_the_first_lets_the_next_go_and_cancels_nobody_else(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.line(3).await;
    case.cancel(ids[0]).await;
    assert_eq!(case.states(&ids).await, [Cancelled, Ready, Waiting]);
}

pub async fn cancelling_one_in_the_middle_lets_nobody_go(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.line(4).await;
    let lease = case.start(ids[0], worker).await;
    case.cancel(ids[1]).await;
    case.delete(ids[2]).await;
    assert_eq!(case.states(&[ids[0], ids[1], ids[3]]).await, [Running, Cancelled, Waiting]);
    case.settle(lease, completed("1")).await;
    case.start(ids[3], worker).await;
}

pub async fn deleting_the_first_lets_the_next_go(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.line(3).await;
    case.delete(ids[0]).await;
    assert_eq!(case.states(&ids[1..]).await, [Ready, Waiting]);
}

pub async fn deleting_one_that_has_ended_lets_nobody_go(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.line(3).await;
    case.settle(case.start(ids[0], case.join().await).await, completed("1")).await;
    case.delete(ids[0]).await;
    assert_eq!(case.states(&ids[1..]).await, [Ready, Waiting]);
}

pub async fn a_line_cancelled_whole_leaves_nothing_behind(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.line(5).await;
    let middle_out = [2, 0, 4, 1, 3].map(|index: usize| ids[index]);
    case.inspect().cancel(&middle_out, case.now).await.unwrap();
    assert_eq!(case.states(&ids).await, [Cancelled; 5]);
    let next = case.push_one(ordered("k")).await;
    assert_eq!(case.state(next).await, Ready);
}

pub async fn a_job_retried_after_its_end_runs_next_and_beside_nobody(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.line(4).await;
    case.settle(case.start(ids[0], worker).await, dead(DeadReason::Exhausted)).await;
    let lease = case.start(ids[1], worker).await;
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Waiting, Running, Waiting, Waiting]);
    assert!(!case.retry(ids[0]).await, "it waits");
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&ids).await, [Ready, Completed, Waiting, Waiting]);
    for id in [ids[0], ids[2], ids[3]] {
        case.settle(case.start(id, worker).await, completed("1")).await;
    }
}

pub async fn a_job_retried_when_its_order_is_empty_is_ready(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.line(2).await;
    for id in &ids {
        case.settle(case.start(*id, worker).await, completed("1")).await;
    }
    assert!(case.retry(ids[1]).await);
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Waiting, Ready]);
}

pub async fn a_job_cancelled_in_line_and_retried_waits_again(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.line(3).await;
    case.cancel(ids[1]).await;
    assert!(case.retry(ids[1]).await);
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting]);
    for id in ids {
        case.settle(case.start(id, worker).await, completed("1")).await;
    }
}

pub async fn the_members_of_a_chain_can_be_in_one_order(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut push: Vec<NewJob> = chain(3).into_iter().map(|job| in_order("k", job)).collect();
    push.push(ordered("k"));
    let ids = case.push(push).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting, Waiting]);
    for (index, id) in ids.iter().enumerate() {
        let claimed = case.claim_one(worker).await;
        let args = if (1..3).contains(&index) { r#"{"input":7}"# } else { "{}" };
        assert_eq!((claimed.lease.job, claimed.args.as_str()), (*id, args));
        case.settle(claimed.lease, completed("7")).await;
    }
}

pub async fn a_member_waits_for_its_turn_and_for_its_chain(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let before = case.push_one(ordered("k")).await;
    let mut push = chain(2);
    push[1].flow = Flow::default().ordered("k");
    let ids = case.push(push).await;
    let after = case.push_one(ordered("k")).await;
    let lease = case.start(before, worker).await;
    case.settle(case.start(ids[0], worker).await, completed("7")).await;
    assert_eq!(case.states(&[ids[1], after]).await, [Waiting, Waiting], "its turn has not come");
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&[ids[1], after]).await, [Ready, Waiting]);
    let claimed = case.claim_one(worker).await;
    assert_eq!((claimed.lease.job, claimed.args.as_str()), (ids[1], r#"{"input":7}"#));
}

pub async fn a_member_whose_turn_has_come_holds_its_order_until_it_has_ended(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut push = chain(2);
    push[1].flow = Flow::default().ordered("k");
    let ids = case.push(push).await;
    let after = case.push_one(ordered("k")).await;
    case.settle(case.start(ids[0], worker).await, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.states(&[ids[1], after]).await, [Waiting, Waiting]);
    assert_eq!([case.record(ids[1]).await.blocked, case.record(after).await.blocked], [true, false]);
    case.cancel(ids[1]).await;
    assert_eq!(case.states(&[ids[1], after]).await, [Cancelled, Ready]);
}

pub async fn members_cancelled_in_line_with_their_chain_let_the_next_go(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let push = chain(3).into_iter().map(|job| in_order("k", job)).collect();
    let ids = case.push(push).await;
    let after = case.push_one(ordered("k")).await;
    case.settle(case.start(ids[0], worker).await, discarded()).await;
    assert_eq!(case.states(&ids[1..]).await, [Cancelled, Cancelled]);
    let lease = case.start(after, worker).await;
    assert!(case.retry(ids[0]).await);
    assert_eq!(case.states(&ids).await, [Waiting, Waiting, Waiting]);
    case.settle(lease, completed("1")).await;
    for id in ids {
        case.settle(case.start(id, worker).await, completed("1")).await;
    }
}

pub async fn a_dead_member_retried_before_one_that_waits_for_it_is_not_behind_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let push = chain(2).into_iter().map(|job| in_order("k", job)).collect();
    let ids = case.push(push).await;
    let after = case.push_one(ordered("k")).await;
    case.settle(case.start(ids[0], worker).await, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.states(&[ids[1], after]).await, [Waiting, Waiting]);
    assert!(case.retry(ids[0]).await);
    for id in [ids[0], ids[1], after] {
        case.settle(case.start(id, worker).await, completed("1")).await;
    }
}

pub async fn a_retried_job_that_still_waits_for_its_chain_has_its_place(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let push = chain(2).into_iter().map(|job| in_order("k", job)).collect();
    let ids = case.push(push).await;
    let after = case.push_one(ordered("k")).await;
    let lease = case.start(ids[0], worker).await;
    case.cancel(ids[1]).await;
    assert!(case.retry(ids[1]).await);
    case.settle(lease, completed("7")).await;
    assert_eq!(case.states(&[ids[1], after]).await, [Ready, Waiting]);
    let claimed = case.claim_one(worker).await;
    assert_eq!((claimed.lease.job, claimed.args.as_str()), (ids[1], r#"{"input":7}"#));
}

pub async fn a_thousand_of_one_key_run_in_order(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(vec![ordered("k"); 1000]).await;
    for id in ids {
        case.settle(case.start(id, worker).await, completed("1")).await;
    }
}

pub async fn an_expired_job_lets_the_next_go(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let ids = case.line(1).await;
    let lease = case.start(ids[0], worker).await;
    let expiring = in_order("k", NewJob { expires_at: Some(case.in_an_hour()), ..job() });
    let more = case.push(vec![expiring.clone(), ordered("k"), expiring.clone(), ordered("k")]).await;
    case.pass(HOUR);
    case.beat(worker, BeatKind::Live).await;
    case.store.upkeep().unwrap().expire(case.now, 9).await.unwrap();
    assert_eq!(case.states(&more).await, [Discarded, Waiting, Discarded, Waiting]);
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&more).await, [Discarded, Ready, Discarded, Waiting]);
}

pub async fn whom_an_expired_job_lets_go_is_not_lost_among_those_that_are_claimed(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let due = after(case.now, SECOND * 20);
    let expires = NewJob { expires_at: Some(after(case.now, SECOND * 10)), ..ordered("k") };
    let ids = case.push(vec![expires, job(), ordered("k"), NewJob { run_at: Some(due), ..job() }]).await;
    case.now = due;
    let mut claimed = case.claim_ids(worker, 9).await;
    assert_eq!(case.state(ids[0]).await, Discarded);
    claimed.extend(case.claim_ids(worker, 9).await);
    claimed.sort();
    assert_eq!(claimed, ids[1..], "each, whether with the others or after them");
}

pub async fn a_completed_job_that_is_forgotten_leaves_alone_who_has_its_output_and_waits_for_its_turn(
    store: Arc<dyn Store>,
) {
    let case = Case::new(store);
    let worker = case.join().await;
    for retain in [Some(Duration::ZERO), None] {
        let first = case.push_one(ordered("k")).await;
        let child = NewJob { waits: vec![Wait { on: 0, slot: None }], ..ordered("k") };
        let ids = case.push(vec![NewJob { retain, ..job() }, child]).await;
        let jobs = case.claim(worker, 9).await;
        assert_eq!(jobs.iter().map(|job| job.lease.job).collect::<Vec<_>>(), [first, ids[0]]);
        case.settle(jobs[1].lease, completed("1")).await;
        assert_eq!(case.delete(ids[0]).await, retain.is_none());
        assert_eq!(case.state(ids[1]).await, Waiting, "for its turn");
        case.settle(jobs[0].lease, completed("1")).await;
        let lease = case.claim_one(worker).await.lease;
        assert_eq!(lease.job, ids[1]);
        case.settle(lease, completed("1")).await;
    }
}
