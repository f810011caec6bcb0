#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::batch::{member, with_callbacks};
use super::case::*;
use crate::error::Error;
use crate::job::JobState::{self, Cancelled, Ready, Waiting};
use crate::job::{BatchId, BatchPlace, BatchRecord, DeadReason, JobId, NewBatch, NewJob, Outcome, WorkerId};
use crate::store::{BatchFilter, Push, Store};

/// A batch of one job and one batch, which holds one job; each batch has all three callbacks.
struct Nested {
    case: Case,
    worker: WorkerId,
    batches: Vec<BatchId>,
    /// The job of the outer batch and that of the inner one.
    members: [JobId; 2],
    outer: [JobId; 3],
    inner: [JobId; 3],
}

impl Nested {
    async fn new(store: Arc<dyn Store>) -> Self {
        let case = Case::new(store);
        let inside = NewJob { batch: Some(BatchPlace::New(1)), ..job() };
        let mut push = with_callbacks(&case, vec![member(), inside]);
        push.jobs.extend(["first", "second", "third"].map(named));
        let [on_complete, on_success, on_death] = [5, 6, 7].map(Some);
        let parent = Some(BatchPlace::New(0));
        push.batches.push(NewBatch { parent, on_complete, on_success, on_death, ..NewBatch::new("inner") });
        let stored = case.push_all(push).await;
        let ids = stored.ids();
        let part = |from: usize| [ids[from], ids[from + 1], ids[from + 2]];
        let worker = case.join().await;
        Self { case, worker, batches: stored.batches, members: [ids[0], ids[1]], outer: part(2), inner: part(5) }
    }

    async fn run(&self, member: usize, outcome: Outcome) {
        let lease = self.case.start(self.members[member], self.worker).await;
        self.case.settle(lease, outcome).await;
    }

    /// What has become of the callbacks of the outer and of the inner batch.
    async fn called(&self) -> [Vec<JobState>; 2] {
        [self.case.states(&self.outer).await, self.case.states(&self.inner).await]
    }

    async fn record(&self, batch: usize) -> BatchRecord {
        self.case.inspect().batch(self.batches[batch]).await.unwrap().unwrap()
    }
}

pub async fn a_batch_in_a_batch_is_one_member(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    let (outer, inner) = (nested.record(0).await, nested.record(1).await);
    assert_eq!((outer.total, outer.pending, outer.open, outer.parent), (2, 2, 2, None));
    assert_eq!((inner.total, inner.parent), (1, Some(outer.id)));
    let filter = BatchFilter { parent: Some(outer.id), ..BatchFilter::default() };
    assert_eq!(nested.case.inspect().batches(&filter).await.unwrap(), [inner]);
}

pub async fn complete_and_success_wait_for_those_of_the_inner_batch(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    nested.run(0, completed("1")).await;
    assert_eq!(nested.called().await, [[Waiting; 3], [Waiting; 3]]);
    nested.run(1, completed("1")).await;
    assert_eq!(nested.called().await, [[Ready, Ready, Cancelled], [Ready, Ready, Cancelled]]);
    assert_eq!(nested.record(0).await.finished_at, Some(nested.case.now));
}

pub async fn a_first_run_in_the_inner_batch_completes_the_outer_one(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    nested.run(0, completed("1")).await;
    nested.run(1, failed(nested.case.in_an_hour())).await;
    assert_eq!(nested.called().await, [[Ready, Waiting, Waiting], [Ready, Waiting, Waiting]]);
    let outer = nested.record(0).await;
    assert_eq!((outer.pending, outer.open, outer.finished_at), (0, 1, None));
}

pub async fn a_death_in_the_inner_batch_is_called_back_by_both(store: Arc<dyn Store>) {
    let mut nested = Nested::new(store).await;
    nested.run(0, completed("1")).await;
    nested.run(1, dead(DeadReason::Exhausted)).await;
    assert_eq!(nested.called().await, [[Ready, Waiting, Ready], [Ready, Waiting, Ready]]);
    assert!(nested.case.record(nested.outer[1]).await.blocked);
    assert_eq!(nested.record(0).await.dead, 1);
    assert_eq!(nested.case.claim(nested.worker, 10).await.len(), 4);
    nested.case.pass(SECOND);
    assert!(nested.case.retry(nested.members[1]).await);
    assert_eq!(nested.record(0).await.dead, 0);
    nested.run(1, completed("1")).await;
    assert_eq!(nested.case.states(&[nested.outer[1], nested.inner[1]]).await, [Ready, Ready]);
}

pub async fn a_cancelled_job_of_the_inner_batch_cancels_both_successes_until_it_is_retried(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    nested.case.cancel(nested.members[1]).await;
    let [outer, inner] = nested.called().await;
    assert_eq!((outer[1], inner[1]), (Cancelled, Cancelled));
    let why = format!("batch member {} was cancelled", nested.members[1]);
    assert_eq!(nested.case.record(nested.outer[1]).await.reason, Some(why));
    nested.case.retry(nested.members[1]).await;
    assert_eq!(nested.case.states(&[nested.outer[1], nested.inner[1]]).await, [Waiting, Waiting]);
    assert_eq!((nested.record(0).await.cancelled, nested.record(1).await.cancelled), (0, 0));
}

pub async fn an_empty_inner_batch_counts_at_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = with_callbacks(&case, Vec::new());
    push.batches.push(NewBatch { parent: Some(BatchPlace::New(0)), ..NewBatch::new("empty") });
    let stored = case.push_all(push).await;
    assert_eq!(case.states(&stored.ids()).await, [Ready, Ready, Cancelled]);
    let outer = case.inspect().batch(stored.batches[0]).await.unwrap().unwrap();
    assert_eq!((outer.total, outer.completed, outer.open), (1, 1, 0));
}

pub async fn a_batch_can_be_added_to_an_open_one(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    let parent = Some(BatchPlace::Stored(nested.batches[1]));
    let late = NewBatch { parent, ..NewBatch::new("late") };
    let late = nested.case.push_all(Push::of(vec![member()], nested.case.now).batches(vec![late])).await;
    nested.run(0, completed("1")).await;
    nested.run(1, completed("1")).await;
    assert_eq!(nested.called().await, [[Waiting; 3], [Waiting; 3]]);
    let lease = nested.case.start(late.ids()[0], nested.worker).await;
    nested.case.settle(lease, completed("1")).await;
    assert_eq!(nested.called().await, [[Ready, Ready, Cancelled], [Ready, Ready, Cancelled]]);
}

pub async fn a_batch_can_not_be_added_to_a_closed_one(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    nested.run(0, completed("1")).await;
    nested.run(1, completed("1")).await;
    let late = NewBatch { parent: Some(BatchPlace::Stored(nested.batches[0])), ..NewBatch::new("late") };
    let refused = nested.case.store.push(Push::of(Vec::new(), nested.case.now).batches(vec![late])).await;
    assert!(matches!(refused, Err(Error::BatchClosed(id)) if id == nested.batches[0]), "{refused:?}");
}

pub async fn an_outer_batch_is_open_while_a_job_of_the_inner_one_runs(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    nested.run(0, completed("1")).await;
    nested.case.start(nested.members[1], nested.worker).await;
    let batch = Some(BatchPlace::Stored(nested.batches[0]));
    nested.case.push_one(NewJob { batch, ..job() }).await;
    assert_eq!(nested.record(0).await.total, 3);
}

pub async fn a_thousand_batches_in_each_other_end_together(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let batch = |index: usize| NewBatch { parent: index.checked_sub(1).map(BatchPlace::New), ..NewBatch::new("in") };
    let mut push = with_callbacks(&case, vec![NewJob { batch: Some(BatchPlace::New(999)), ..job() }]);
    push.batches.extend((1..1_000).map(batch));
    let ids = case.push_all(push).await.ids();
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&ids[1..]).await, [Ready, Ready, Cancelled]);
}

pub async fn an_outer_batch_is_forgotten_with_its_inner_one(store: Arc<dyn Store>) {
    let nested = Nested::new(store).await;
    let [outer, inner] = [nested.batches[0], nested.batches[1]];
    for job in nested.outer.iter().chain(&nested.inner).chain(&nested.members) {
        assert!(nested.case.inspect().batch(outer).await.unwrap().is_some());
        assert!(nested.case.delete(*job).await);
    }
    assert_eq!(nested.case.inspect().batch(inner).await.unwrap(), None);
    assert_eq!(nested.case.inspect().batch(outer).await.unwrap(), None);
}
