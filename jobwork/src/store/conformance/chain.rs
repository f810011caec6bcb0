#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::JobState::{Cancelled, Completed, Dead, Discarded, Ready, Running, Scheduled, Waiting};
use crate::job::{DeadReason, JobId, Lease, Member, Membership, NewJob, Outcome, Wait, WorkerId};
use crate::store::{BeatKind, CancelAnswer, Store};

/// A chain of three whose first member runs.
struct Started {
    case: Case,
    worker: WorkerId,
    ids: Vec<JobId>,
    lease: Lease,
}

impl Started {
    async fn new(store: Arc<dyn Store>) -> Self {
        let case = Case::new(store);
        let worker = case.join().await;
        let ids = case.push(chain(3)).await;
        let lease = case.start(ids[0], worker).await;
        Self { case, worker, ids, lease }
    }

    async fn settle(&self, outcome: Outcome) {
        self.case.settle(self.lease, outcome).await;
    }

    async fn states(&self) -> Vec<crate::job::JobState> {
        self.case.states(&self.ids).await
    }

    async fn blocked(&self) -> Vec<bool> {
        let members = self.case.inspect().chain(self.ids[0], self.case.now).await.unwrap();
        members.into_iter().map(|member| member.blocked).collect()
    }

    async fn reason(&self, member: usize) -> String {
        self.case.record(self.ids[member]).await.reason.expect("it says why it was cancelled")
    }

    /// The rest of the chain can still be run to its end, each member with the output of the one before.
    async fn runs_to_its_end(mut self) {
        self.case.pass(HOUR);
        for (position, id) in self.ids.iter().enumerate() {
            let job = self.case.claim_one(self.worker).await;
            assert_eq!(job.lease.job, *id);
            let args = if position == 0 { "{}".to_owned() } else { format!(r#"{{"input":{position}}}"#) };
            assert_eq!(job.args, args);
            self.case.settle(job.lease, completed(&(position + 1).to_string())).await;
        }
        assert_eq!(self.states().await, [Completed; 3]);
    }
}

pub async fn every_member_exists_from_dispatch(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = chain(3);
    for member in &mut push {
        member.chain.as_mut().unwrap().on_error = Some("notify".to_owned());
    }
    let ids = case.push(push).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting, Waiting]);
    let members = case.inspect().chain(ids[1], case.now).await.unwrap();
    assert_eq!(members.iter().map(|member| member.id).collect::<Vec<_>>(), ids);
    for (position, member) in (0..).zip(members) {
        assert_eq!(member.chain, Some(Member { chain: ids[0], position, on_error: Some("notify".to_owned()) }));
    }
}

pub async fn a_claimed_member_knows_its_place(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = chain(1);
    push[0].chain = Some(Membership { first: 0, position: 4, on_error: Some("notify".to_owned()) });
    let ids = case.push(push).await;
    let claimed = case.claim_one(case.join().await).await;
    assert_eq!(claimed.chain, Some(Member { chain: ids[0], position: 4, on_error: Some("notify".to_owned()) }));
}

pub async fn a_success_releases_the_next_with_the_output_in_its_place(store: Arc<dyn Store>) {
    let mut chain = Started::new(store).await;
    chain.case.pass(SECOND);
    chain.settle(completed(r#"{"big":123456789012345678901234567890,"f":1.10}"#)).await;
    assert_eq!(chain.states().await, [Completed, Ready, Waiting]);
    let next = chain.case.claim_one(chain.worker).await;
    assert_eq!((next.lease.job, next.run_at), (chain.ids[1], chain.case.now));
    assert_eq!(next.args, r#"{"input":{"big":123456789012345678901234567890,"f":1.10}}"#);
    assert_eq!(next.lease.attempt, 1);
}

pub async fn a_chain_runs_to_its_end_in_order(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(handed_back()).await;
    chain.runs_to_its_end().await;
}

pub async fn the_other_arguments_of_a_member_stay(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let next = NewJob { args: r#"{"feed":"news","n":1.0}"#.to_owned(), ..after_job(0) };
    let ids = case.push(vec![job(), next]).await;
    let worker = case.join().await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed(r#""a \"b\"""#)).await;
    let args: serde_json::Value = serde_json::from_str(&case.claim_one(worker).await.args).unwrap();
    assert_eq!(args, serde_json::json!({ "feed": "news", "n": 1.0, "input": "a \"b\"" }));
}

pub async fn a_member_without_a_slot_keeps_its_arguments(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let waits = vec![Wait { on: 0, slot: None }];
    let ids = case.push(vec![job(), NewJob { waits, ..NewJob::new("job", "[ 1,2 ]") }]).await;
    let worker = case.join().await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("7")).await;
    assert_eq!(case.claim_one(worker).await.args, "[ 1,2 ]");
}

pub async fn a_released_member_still_waits_for_its_own_time(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let ids = case.push(vec![job(), NewJob { run_at: Some(case.in_an_hour()), ..after_job(0) }]).await;
    let lease = case.start(ids[0], case.join().await).await;
    assert_eq!(case.state(ids[1]).await, Waiting);
    case.settle(lease, completed("1")).await;
    assert_eq!(case.state(ids[1]).await, Scheduled);
    case.pass(HOUR);
    assert_eq!(case.state(ids[1]).await, Ready);
}

pub async fn a_released_member_goes_where_it_was_dispatched_to(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let next = NewJob { queue: "low".into(), priority: 3, retries: 2, name: "second".into(), ..after_job(0) };
    let ids = case.push(vec![job(), next]).await;
    let worker = case.join().await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    let next = case.claim_one(worker).await;
    let place = (next.name.as_str(), next.queue.as_str(), next.priority, next.retries);
    assert_eq!(place, ("second", "low", 3, 2));
}

pub async fn the_rest_waits_while_a_member_has_retries_left(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(failed(chain.case.in_an_hour())).await;
    assert_eq!(chain.states().await, [Scheduled, Waiting, Waiting]);
    assert_eq!(chain.blocked().await, [false; 3]);
    chain.runs_to_its_end().await;
}

pub async fn the_rest_waits_while_a_member_is_snoozed(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(Outcome::Snoozed { until: chain.case.in_an_hour() }).await;
    assert_eq!(chain.states().await, [Scheduled, Waiting, Waiting]);
    chain.runs_to_its_end().await;
}

pub async fn the_rest_waits_while_a_member_is_handed_back(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(handed_back()).await;
    assert_eq!(chain.states().await, [Ready, Waiting, Waiting]);
    chain.runs_to_its_end().await;
}

pub async fn the_rest_waits_while_a_member_is_given_back_by_a_leaving_worker(store: Arc<dyn Store>) {
    let mut chain = Started::new(store).await;
    chain.case.beat(chain.worker, BeatKind::Leave).await;
    assert_eq!(chain.states().await, [Ready, Waiting, Waiting]);
    chain.worker = chain.case.join().await;
    chain.case.now = after(chain.case.now, SECOND);
    chain.case.beat(chain.worker, BeatKind::Live).await;
    chain.runs_to_its_end().await;
}

pub async fn the_rest_waits_while_a_member_is_rescued(store: Arc<dyn Store>) {
    let mut chain = Started::new(store).await;
    chain.case.pass(LEASE);
    assert_eq!(chain.case.rescue().await, [chain.ids[0]]);
    assert_eq!(chain.states().await, [Ready, Waiting, Waiting]);
    chain.worker = chain.case.join().await;
    chain.runs_to_its_end().await;
}

pub async fn a_dead_member_blocks_the_rest_whatever_it_died_of(store: Arc<dyn Store>) {
    for reason in DEAD_REASONS {
        let chain = Started::new(store.clone()).await;
        chain.settle(dead(reason)).await;
        assert_eq!(chain.states().await, [Dead, Waiting, Waiting]);
        assert_eq!(chain.blocked().await, [false, true, true]);
        assert_eq!(chain.case.claim(chain.worker, 9).await, []);
    }
}

pub async fn a_member_that_died_as_a_poison_pill_blocks_the_rest(store: Arc<dyn Store>) {
    let mut chain = Started::new(store).await;
    chain.case.pass(LEASE);
    chain.case.rescue_until(1).await;
    assert_eq!(chain.states().await, [Dead, Waiting, Waiting]);
    assert_eq!(chain.blocked().await, [false, true, true]);
}

pub async fn retrying_the_dead_member_resumes_the_chain(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(dead(DeadReason::Exhausted)).await;
    assert!(chain.case.retry(chain.ids[0]).await);
    assert_eq!(chain.states().await, [Ready, Waiting, Waiting]);
    assert_eq!(chain.blocked().await, [false; 3]);
    chain.runs_to_its_end().await;
}

pub async fn a_cancelled_member_cancels_the_rest_with_the_reason(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(cancelled()).await;
    assert_eq!(chain.states().await, [Cancelled; 3]);
    for member in [1, 2] {
        let reason = chain.reason(member).await;
        assert!(reason.contains(&chain.ids[0].to_string()) && reason.contains("was cancelled"), "{reason}");
        assert_eq!(chain.case.record(chain.ids[member]).await.finished_at, Some(chain.case.now));
    }
}

pub async fn a_discarded_member_cancels_the_rest_with_the_reason(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(discarded()).await;
    assert_eq!(chain.states().await, [Discarded, Cancelled, Cancelled]);
    for member in [1, 2] {
        let reason = chain.reason(member).await;
        assert!(reason.contains("was discarded") && reason.contains("nobody wants it"), "{reason}");
        assert!(reason.contains(&chain.ids[0].to_string()), "{reason}");
    }
}

pub async fn a_chain_whose_first_is_ready_is_cancelled_whole_at_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(3)).await;
    assert_eq!(case.inspect().cancel(&ids, case.now).await.unwrap(), [CancelAnswer::Cancelled; 3]);
    assert_eq!(case.states(&ids).await, [Cancelled; 3]);
    assert_eq!(case.claim(case.join().await, 9).await, []);
}

pub async fn cancelling_the_first_cancels_the_rest(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(3)).await;
    assert_eq!(case.cancel(ids[0]).await, CancelAnswer::Cancelled);
    assert_eq!(case.states(&ids).await, [Cancelled; 3]);
}

pub async fn a_chain_cancelled_while_a_member_runs_releases_nobody(store: Arc<dyn Store>) {
    use CancelAnswer::{Cancelled as Done, Requested};
    let chain = Started::new(store).await;
    let answers = chain.case.inspect().cancel(&chain.ids, chain.case.now).await.unwrap();
    assert_eq!(answers, [Requested, Done, Done]);
    assert_eq!(chain.states().await, [Running, Cancelled, Cancelled]);
    chain.settle(completed("1")).await;
    assert_eq!(chain.states().await, [Completed, Cancelled, Cancelled]);
    assert_eq!(chain.case.claim(chain.worker, 9).await, []);
}

pub async fn a_chain_cancelled_while_a_member_runs_ends_cancelled(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.case.inspect().cancel(&chain.ids, chain.case.now).await.unwrap();
    chain.settle(cancelled()).await;
    assert_eq!(chain.states().await, [Cancelled; 3]);
}

pub async fn the_rest_waits_until_a_running_member_is_really_cancelled(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.case.cancel(chain.ids[0]).await;
    assert_eq!(chain.states().await, [Running, Waiting, Waiting]);
    chain.settle(cancelled()).await;
    assert_eq!(chain.states().await, [Cancelled; 3]);
}

pub async fn a_member_that_completes_before_it_hears_of_its_cancel_releases_the_next(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.case.cancel(chain.ids[0]).await;
    chain.settle(completed("1")).await;
    assert_eq!(chain.states().await, [Completed, Ready, Waiting]);
}

pub async fn a_member_cancelled_before_its_retry_cancels_the_rest(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.case.cancel(chain.ids[0]).await;
    chain.settle(failed(chain.case.in_an_hour())).await;
    assert_eq!(chain.states().await, [Cancelled; 3]);
}

pub async fn cancelling_a_waiting_member_cancels_those_after_it_and_not_before(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    assert_eq!(chain.case.cancel(chain.ids[1]).await, CancelAnswer::Cancelled);
    assert_eq!(chain.states().await, [Running, Cancelled, Cancelled]);
    assert!(chain.reason(2).await.contains(&chain.ids[1].to_string()));
    chain.settle(completed("1")).await;
    assert_eq!(chain.states().await, [Completed, Cancelled, Cancelled]);
}

pub async fn cancelling_the_rest_of_a_blocked_chain_ends_it(store: Arc<dyn Store>) {
    let chain = Started::new(store).await;
    chain.settle(dead(DeadReason::Exhausted)).await;
    chain.case.cancel(chain.ids[1]).await;
    assert_eq!(chain.states().await, [Dead, Cancelled, Cancelled]);
    assert_eq!(chain.blocked().await, [false; 3]);
}

pub async fn a_member_that_can_not_take_the_output_is_dead_as_undecodable(store: Arc<dyn Store>) {
    for args in ["[1]", "not json", "7"] {
        let case = Case::new(store.clone());
        let worker = case.join().await;
        let next = NewJob { args: args.to_owned(), ..after_job(0) };
        let ids = case.push(vec![job(), next, after_job(1)]).await;
        let lease = case.start(ids[0], worker).await;
        case.settle(lease, completed("1")).await;
        assert_eq!(case.states(&ids).await, [Completed, Dead, Waiting]);
        let member = case.record(ids[1]).await;
        assert!(member.reason.unwrap().starts_with("undecodable"));
        assert_eq!((member.args.as_str(), member.finished_at), (args, Some(case.now)));
        assert!(case.record(ids[2]).await.blocked);
    }
}

pub async fn a_job_that_waits_for_several_is_released_by_the_last(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let waits = [("a", 0), ("b", 1), ("c", 2)].map(|(slot, on)| Wait { on, slot: Some(slot.to_owned()) }).to_vec();
    let ids = case.push(vec![job(), job(), job(), NewJob { waits, ..job() }]).await;
    let leases: Vec<Lease> = case.claim(worker, 9).await.into_iter().map(|job| job.lease).collect();
    for (index, output) in [(2, "30"), (0, "10")] {
        case.settle(leases[index], completed(output)).await;
        assert_eq!(case.state(ids[3]).await, Waiting);
    }
    case.settle(leases[1], completed("20")).await;
    let args: serde_json::Value = serde_json::from_str(&case.claim_one(worker).await.args).unwrap();
    assert_eq!(args, serde_json::json!({ "a": 10, "b": 20, "c": 30 }));
}

pub async fn a_job_that_waits_for_several_is_cancelled_with_the_first_of_them(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let waits = [0, 1].map(|on| Wait { on, slot: None }).to_vec();
    let ids = case.push(vec![job(), job(), NewJob { waits, ..job() }]).await;
    case.cancel(ids[1]).await;
    assert_eq!(case.states(&ids).await, [Ready, Cancelled, Cancelled]);
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.state(ids[2]).await, Cancelled);
}

pub async fn everybody_who_waits_for_a_job_is_released(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut push = vec![job()];
    push.extend((0..20).map(|_| after_job(0)));
    let ids = case.push(push).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("5")).await;
    let released = case.claim(worker, 99).await;
    assert_eq!(released.len(), 20);
    assert!(released.iter().all(|job| job.args == r#"{"input":5}"#));
}

pub async fn one_output_can_fill_two_places(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let waits = ["a", "b"].map(|slot| Wait { on: 0, slot: Some(slot.to_owned()) }).to_vec();
    let ids = case.push(vec![job(), NewJob { waits, ..job() }]).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("5")).await;
    let args: serde_json::Value = serde_json::from_str(&case.claim_one(worker).await.args).unwrap();
    assert_eq!(args, serde_json::json!({ "a": 5, "b": 5 }));
}

pub async fn two_members_of_a_batch_can_settle_in_one_write(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let waits = [0, 1].map(|on| Wait { on, slot: None }).to_vec();
    let ids = case.push(vec![job(), job(), NewJob { waits, ..job() }]).await;
    let claimed = case.claim(case.join().await, 9).await;
    let finished =
        |job: crate::job::Claimed| crate::job::Finished { lease: job.lease, outcome: completed("1"), at: case.now };
    case.store.finish(claimed.into_iter().map(finished).collect()).await.unwrap();
    assert_eq!(case.state(ids[2]).await, Ready);
}

pub async fn a_chain_of_a_thousand_is_blocked_and_cancelled_whole(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(1000)).await;
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    assert!(case.record(ids[999]).await.blocked);
    case.retry(ids[0]).await;
    assert!(!case.record(ids[999]).await.blocked);
    case.cancel(ids[0]).await;
    assert_eq!(case.states(&ids).await, [Cancelled; 1000]);
}
