#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::batch::{Begun, member, with_callbacks};
use super::case::*;
use crate::clock::after;
use crate::job::JobState::{self, Cancelled, Completed, Dead, Ready, Running, Waiting};
use crate::job::{BatchPlace, DeadReason, NewBatch, NewJob, Outcome, Wait};
use crate::store::{BeatKind, CancelAnswer, Push, Store};

impl Begun {
    async fn why_no_success(&self) -> String {
        self.case.record(self.callbacks[1]).await.reason.expect("it says why it was cancelled")
    }
}

pub async fn a_member_that_completes_counts(store: Arc<dyn Store>) {
    let mut batch = Begun::new(store, 2).await;
    batch.run(0, completed("1")).await;
    assert_eq!(batch.called().await, [Waiting; 3]);
    assert_eq!(batch.counts().await, [2, 1, 1, 1, 0, 0]);
    let lease = batch.start(1).await;
    batch.case.pass(SECOND);
    batch.case.settle(lease, completed("2")).await;
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
    assert_eq!(batch.counts().await, [2, 0, 0, 2, 0, 0]);
    let (record, now) = (batch.record().await, Some(batch.case.now));
    assert_eq!([record.completed_at, record.succeeded_at, record.finished_at], [now; 3]);
    assert_eq!(record.died_at, None);
    assert_eq!(batch.case.record(batch.callbacks[0]).await.run_at, batch.case.now);
}

pub async fn where_all_succeed_the_death_callback_is_cancelled_for_good(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    batch.run(0, completed("1")).await;
    let spared = batch.case.record(batch.callbacks[2]).await;
    assert_eq!((spared.state, spared.reason.as_deref()), (Cancelled, Some("every member of the batch succeeded")));
    assert!(!batch.case.retry(batch.callbacks[2]).await, "nobody can die any more");
}

pub async fn a_member_that_fails_the_first_time_has_run_once(store: Arc<dyn Store>) {
    let mut batch = Begun::new(store, 1).await;
    batch.run(0, failed(batch.case.in_an_hour())).await;
    assert_eq!(batch.called().await, [Ready, Waiting, Waiting]);
    assert_eq!(batch.counts().await, [1, 0, 1, 0, 0, 0]);
    let complete = batch.case.claim_one(batch.worker).await.lease;
    batch.case.settle(complete, completed("null")).await;
    batch.case.pass(HOUR);
    batch.run(0, completed("1")).await;
    assert_eq!(batch.called().await, [Completed, Ready, Cancelled]);
}

pub async fn a_dead_member_counts_and_blocks_the_success_whatever_it_died_of(store: Arc<dyn Store>) {
    for reason in DEAD_REASONS {
        let batch = Begun::new(Arc::clone(&store), 1).await;
        batch.run(0, dead(reason)).await;
        assert_eq!(batch.called().await, [Ready, Waiting, Ready]);
        assert_eq!(batch.counts().await, [1, 0, 0, 0, 1, 0]);
        assert_eq!(batch.record().await.died_at, Some(batch.case.now));
        let blocked = batch.case.inspect().get(&batch.callbacks, batch.case.now).await.unwrap();
        assert_eq!(blocked.into_iter().map(|job| job.unwrap().blocked).collect::<Vec<_>>(), [false, true, false]);
        let callbacks = batch.case.claim(batch.worker, 2).await;
        assert_eq!(callbacks.len(), 2);
    }
}

pub async fn a_member_that_died_as_a_poison_pill_counts_as_dead(store: Arc<dyn Store>) {
    let mut batch = Begun::new(store, 1).await;
    batch.case.die_running(batch.members[0]).await;
    batch.case.rescue_until(1).await;
    assert_eq!(batch.case.state(batch.members[0]).await, Dead);
    assert_eq!(batch.called().await, [Ready, Waiting, Ready]);
}

pub async fn a_member_that_can_not_take_an_output_counts_as_dead(store: Arc<dyn Store>) {
    let waits = vec![Wait { on: 0, slot: Some("input".to_owned()) }];
    let odd = NewJob { waits, args: "[1]".to_owned(), ..member() };
    let batch = Begun::of(Case::new(store), vec![member(), odd]).await;
    batch.run(0, completed("1")).await;
    assert_eq!(batch.case.state(batch.members[1]).await, Dead);
    assert_eq!(batch.called().await, [Ready, Waiting, Ready]);
}

pub async fn a_death_is_called_back_once(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 3).await;
    batch.run(0, dead(DeadReason::Exhausted)).await;
    assert_eq!(batch.called().await, [Waiting, Waiting, Ready]);
    batch.run(1, dead(DeadReason::Exhausted)).await;
    batch.run(2, completed("1")).await;
    let callbacks = batch.case.claim(batch.worker, 10).await;
    assert_eq!(callbacks.len(), 2);
    for job in callbacks {
        batch.case.settle(job.lease, completed("null")).await;
    }
    assert!(batch.case.retry(batch.members[0]).await);
    batch.run(0, dead(DeadReason::Exhausted)).await;
    assert_eq!(batch.called().await, [Completed, Waiting, Completed]);
    assert_eq!(batch.counts().await, [3, 0, 0, 1, 2, 0]);
}

pub async fn retrying_the_dead_member_and_its_success_let_the_success_go(store: Arc<dyn Store>) {
    let mut batch = Begun::new(store, 2).await;
    batch.run(0, dead(DeadReason::Exhausted)).await;
    batch.run(1, completed("1")).await;
    batch.case.pass(SECOND);
    assert_eq!(batch.case.claim(batch.worker, 2).await.len(), 2);
    assert!(batch.case.retry(batch.members[0]).await);
    assert!(!batch.case.record(batch.callbacks[1]).await.blocked);
    assert_eq!((batch.counts().await, batch.record().await.finished_at), ([2, 0, 1, 1, 0, 0], None));
    batch.run(0, completed("1")).await;
    assert_eq!(batch.called().await, [Running, Ready, Running]);
    assert_eq!(batch.record().await.finished_at, Some(batch.case.now));
}

/// A member of a batch of two ended without success: what that does, and that a retry makes it good.
async fn spoils_and_is_mended(batch: Begun, word: &str) {
    assert_eq!(batch.called().await, [Waiting, Cancelled, Waiting]);
    assert_eq!(batch.counts().await, [2, 1, 1, 0, 0, 1]);
    assert_eq!(batch.why_no_success().await, format!("batch member {} was {word}", batch.members[0]));
    batch.run(1, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Cancelled, Waiting]);
    assert!(!batch.case.retry(batch.callbacks[1]).await, "it can't be retried before the member is");
    assert!(batch.case.retry(batch.members[0]).await);
    let success = batch.case.record(batch.callbacks[1]).await;
    assert_eq!((success.state, success.reason, success.finished_at), (Waiting, None, None));
    let complete = batch.case.claim(batch.worker, 2).await;
    let retried = complete.into_iter().find(|job| job.lease.job == batch.members[0]).unwrap();
    batch.case.settle(retried.lease, completed("1")).await;
    assert_eq!(batch.called().await, [Running, Ready, Cancelled]);
}

pub async fn a_member_cancelled_by_hand_counts_and_cancels_the_success(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    assert_eq!(batch.case.cancel(batch.members[0]).await, CancelAnswer::Cancelled);
    spoils_and_is_mended(batch, "cancelled").await;
}

pub async fn a_member_cancelled_by_its_signal_counts_and_cancels_the_success(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    let lease = batch.start(0).await;
    assert_eq!(batch.case.cancel(batch.members[0]).await, CancelAnswer::Requested);
    assert_eq!(batch.called().await, [Waiting; 3]);
    batch.case.settle(lease, handed_back()).await;
    spoils_and_is_mended(batch, "cancelled").await;
}

pub async fn a_member_that_discards_itself_counts_and_cancels_the_success(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.run(0, discarded()).await;
    spoils_and_is_mended(batch, "discarded: nobody wants it").await;
}

pub async fn a_member_that_expires_counts_and_cancels_the_success(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let member_that_expires = NewJob { expires_at: Some(after(case.now, SECOND)), ..member() };
    case.pass(SECOND);
    let batch = Begun::of(case, vec![member_that_expires, member()]).await;
    batch.case.store.upkeep().unwrap().expire(batch.case.now, 10).await.unwrap();
    let why = batch.case.record(batch.members[0]).await.reason.unwrap();
    spoils_and_is_mended(batch, &format!("discarded: {why}")).await;
}

pub async fn a_member_that_is_deleted_counts_and_cancels_the_success(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    assert!(batch.case.delete(batch.members[0]).await);
    assert_eq!(batch.called().await, [Waiting, Cancelled, Waiting]);
    assert_eq!(batch.why_no_success().await, format!("batch member {} was deleted", batch.members[0]));
    batch.run(1, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Cancelled, Waiting]);
    assert_eq!(batch.counts().await, [2, 0, 0, 1, 0, 1]);
}

pub async fn deleting_a_dead_member_cancels_the_success(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.run(0, dead(DeadReason::Exhausted)).await;
    assert!(batch.case.delete(batch.members[0]).await);
    assert_eq!(batch.called().await, [Waiting, Cancelled, Ready]);
    assert_eq!(batch.counts().await, [2, 1, 1, 0, 0, 1]);
}

pub async fn deleting_a_member_that_succeeded_changes_nothing(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.run(0, completed("1")).await;
    assert!(batch.case.delete(batch.members[0]).await);
    assert_eq!((batch.called().await, batch.counts().await), ([Waiting; 3], [2, 1, 1, 1, 0, 0]));
    batch.run(1, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

pub async fn a_success_cancelled_by_hand_stays_cancelled(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.case.cancel(batch.callbacks[1]).await;
    batch.case.cancel(batch.members[0]).await;
    batch.case.retry(batch.members[0]).await;
    assert_eq!(batch.called().await, [Waiting, Cancelled, Waiting]);
    batch.run(0, completed("1")).await;
    batch.run(1, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Cancelled, Cancelled]);
    assert!(batch.case.retry(batch.callbacks[1]).await);
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

pub async fn a_second_cancelled_member_keeps_the_success_cancelled(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.case.cancel(batch.members[0]).await;
    batch.case.cancel(batch.members[1]).await;
    batch.case.retry(batch.members[0]).await;
    assert_eq!(batch.called().await, [Ready, Cancelled, Waiting]);
    batch.case.retry(batch.members[1]).await;
    assert_eq!(batch.called().await, [Ready, Waiting, Waiting]);
}

pub async fn a_member_that_was_given_back_has_not_run(store: Arc<dyn Store>) {
    let mut batch = Begun::new(store, 1).await;
    let until = batch.case.now;
    for outcome in [handed_back(), Outcome::Snoozed { until }, Outcome::RateLimited { until }, Outcome::Unstarted] {
        batch.run(0, outcome).await;
        assert_eq!((batch.called().await, batch.counts().await), ([Waiting; 3], [1, 1, 1, 0, 0, 0]));
    }
    batch.start(0).await;
    batch.case.beat(batch.worker, BeatKind::Leave).await;
    assert_eq!(batch.counts().await, [1, 1, 1, 0, 0, 0]);
    batch.case.die_running(batch.members[0]).await;
    batch.case.rescue().await;
    assert_eq!((batch.called().await, batch.counts().await), ([Waiting; 3], [1, 1, 1, 0, 0, 0]));
    batch.worker = batch.case.join().await;
    batch.run(0, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

pub async fn a_member_given_back_after_it_failed_has_run(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.run(0, failed(batch.case.now)).await;
    assert_eq!(batch.counts().await, [2, 1, 2, 0, 0, 0]);
    let again = batch.case.claim(batch.worker, 2).await;
    let again = again.into_iter().find(|job| job.lease.job == batch.members[0]).unwrap();
    batch.case.settle(again.lease, handed_back()).await;
    assert_eq!(batch.counts().await, [2, 1, 2, 0, 0, 0]);
}

pub async fn a_scheduled_member_is_waited_for(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let later = NewJob { run_at: Some(case.in_an_hour()), ..member() };
    let mut batch = Begun::of(case, vec![later]).await;
    assert_eq!((batch.called().await, batch.counts().await), ([Waiting; 3], [1, 1, 1, 0, 0, 0]));
    batch.case.pass(HOUR);
    batch.run(0, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

/// A batch whose members are a chain.
async fn chained(store: Arc<dyn Store>) -> Begun {
    let members = chain(3).into_iter().map(|job| NewJob { batch: Some(BatchPlace::New(0)), ..job }).collect();
    Begun::of(Case::new(store), members).await
}

pub async fn every_member_of_a_chain_is_waited_for(store: Arc<dyn Store>) {
    let batch = chained(store).await;
    for member in 0..3 {
        assert_eq!((batch.called().await, batch.record().await.pending), ([Waiting; 3], 3 - member));
        batch.run(member as usize, completed("1")).await;
    }
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

pub async fn a_chain_that_is_cancelled_and_retried_is_counted_member_by_member(store: Arc<dyn Store>) {
    let batch = chained(store).await;
    batch.run(0, discarded()).await;
    assert_eq!((batch.called().await, batch.counts().await), ([Ready, Cancelled, Waiting], [3, 0, 0, 0, 0, 3]));
    assert!(batch.case.retry(batch.members[0]).await);
    assert_eq!((batch.called().await, batch.counts().await), ([Ready, Waiting, Waiting], [3, 0, 3, 0, 0, 0]));
    let complete = batch.case.claim(batch.worker, 2).await;
    batch.case.settle(complete[0].lease, completed("1")).await;
    assert_eq!(batch.record().await.open, 2);
}

pub async fn the_rest_of_a_chain_that_is_dead_is_still_waited_for(store: Arc<dyn Store>) {
    let batch = chained(store).await;
    batch.run(0, dead(DeadReason::Exhausted)).await;
    assert_eq!((batch.called().await, batch.counts().await), ([Waiting, Waiting, Ready], [3, 2, 2, 0, 1, 0]));
}

pub async fn nothing_is_called_back_twice(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    batch.run(0, completed("1")).await;
    for callback in batch.case.claim(batch.worker, 2).await {
        batch.case.settle(callback.lease, completed("null")).await;
    }
    for outcome in [failed(batch.case.in_an_hour()), completed("2"), cancelled(), completed("3")] {
        assert!(batch.case.retry(batch.members[0]).await);
        batch.run(0, outcome).await;
        assert_eq!(batch.called().await, [Completed, Completed, Cancelled]);
    }
    assert_eq!(batch.counts().await, [1, 0, 0, 1, 0, 0]);
}

pub async fn a_callback_keeps_its_own_time(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let mut push = with_callbacks(&case, Vec::new());
    push.jobs[0].run_at = Some(after(case.now, HOUR));
    let complete = case.push_all(push).await.ids()[0];
    assert_eq!(case.state(complete).await, JobState::Scheduled);
    case.pass(HOUR);
    assert_eq!(case.state(complete).await, Ready);
}

pub async fn one_job_can_be_called_back_for_two_things_together(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let batch = NewBatch { on_complete: Some(1), on_death: Some(1), ..NewBatch::new("both") };
    let ids = case.push_all(Push::of(vec![member(), job()], case.now).batches(vec![batch])).await.ids();
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.state(ids[1]).await, Ready);
}
