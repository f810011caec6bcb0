#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::error::Error;
use crate::job::JobState::{self, Cancelled, Completed, Ready, Running, Waiting};
use crate::job::{
    BatchId, BatchPlace, BatchRecord, DeadReason, Finished, Flow, JobId, Lease, NewBatch, NewJob, Outcome, Unique,
    WorkerId,
};
use crate::store::{BatchFilter, Filter, Push, Settled, Store};

/// A batch with all three callbacks, and a worker.
pub(super) struct Begun {
    pub(super) case: Case,
    pub(super) worker: WorkerId,
    pub(super) id: BatchId,
    pub(super) members: Vec<JobId>,
    /// On complete, on success, on death.
    pub(super) callbacks: [JobId; 3],
}

/// A member of the first batch of its push.
pub(super) fn member() -> NewJob {
    NewJob { batch: Some(BatchPlace::New(0)), ..job() }
}

/// These members and three callbacks after them.
pub(super) fn with_callbacks(case: &Case, mut jobs: Vec<NewJob>) -> Push {
    let first = jobs.len();
    jobs.extend(["first", "second", "third"].map(named));
    let [on_complete, on_success, on_death] = [first, first + 1, first + 2].map(Some);
    let batch = NewBatch { on_complete, on_success, on_death, ..NewBatch::new("import") };
    Push::of(jobs, case.now).batches(vec![batch])
}

impl Begun {
    pub(super) async fn new(store: Arc<dyn Store>, members: usize) -> Self {
        Self::of(Case::new(store), vec![member(); members]).await
    }

    pub(super) async fn of(case: Case, members: Vec<NewJob>) -> Self {
        let worker = case.join().await;
        let stored = case.push_all(with_callbacks(&case, members)).await;
        let mut members = stored.ids();
        let callbacks = members.split_off(members.len() - 3).try_into().unwrap();
        Self { case, worker, id: stored.batches[0], members, callbacks }
    }

    /// The member of this index, which must be the next job.
    pub(super) async fn start(&self, member: usize) -> Lease {
        self.case.start(self.members[member], self.worker).await
    }

    pub(super) async fn run(&self, member: usize, outcome: Outcome) {
        let lease = self.start(member).await;
        self.case.settle(lease, outcome).await;
    }

    /// The states of the callbacks on complete, on success and on death.
    pub(super) async fn called(&self) -> [JobState; 3] {
        self.case.states(&self.callbacks).await.try_into().unwrap()
    }

    pub(super) async fn record(&self) -> BatchRecord {
        self.case.inspect().batch(self.id).await.unwrap().expect("the batch exists")
    }

    /// Total, pending, open, completed, dead, cancelled.
    pub(super) async fn counts(&self) -> [u64; 6] {
        let batch = self.record().await;
        [batch.total, batch.pending, batch.open, batch.completed, batch.dead, batch.cancelled]
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>, Error> {
        let batch = Some(BatchPlace::Stored(self.id));
        let jobs = jobs.into_iter().map(|job| NewJob { batch, ..job }).collect();
        self.case.store.push(Push::of(jobs, self.case.now)).await.map(|stored| stored.ids())
    }
}

pub async fn a_stored_batch_is_as_it_was_given(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    let record = batch.record().await;
    assert_eq!((record.id, record.description.as_str(), record.parent), (batch.id, "import", None));
    assert_eq!([record.on_complete, record.on_success, record.on_death], batch.callbacks.map(Some));
    assert_eq!(record.created_at, batch.case.now);
    assert_eq!(batch.counts().await, [2, 2, 2, 0, 0, 0]);
    assert_eq!([record.completed_at, record.succeeded_at, record.died_at, record.finished_at], [None; 4]);
}

pub async fn callbacks_wait_from_dispatch_and_are_no_members(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    assert_eq!(batch.called().await, [Waiting; 3]);
    let filter = Filter { batch: Some(batch.id), ..Filter::default() };
    let listed = batch.case.inspect().list(&filter, batch.case.now).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), batch.members);
}

pub async fn members_and_callbacks_know_their_batch(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    let alone = batch.case.push_one(job()).await;
    assert_eq!(batch.case.record(alone).await.batch, None);
    for job in batch.members.iter().chain(&batch.callbacks) {
        assert_eq!(batch.case.record(*job).await.batch, Some(batch.id));
    }
    let claimed = batch.case.claim_one(batch.worker).await;
    assert_eq!(claimed.batch, Some(batch.id));
    batch.case.settle(claimed.lease, completed("1")).await;
    let claimed = batch.case.claim(batch.worker, 2).await;
    let known: Vec<_> = claimed.iter().map(|job| (job.lease.job, job.batch)).collect();
    assert_eq!(known, [(batch.callbacks[0], Some(batch.id)), (batch.callbacks[1], Some(batch.id))]);
    assert_eq!(batch.case.claim_one(batch.worker).await.batch, None);
}

pub async fn a_member_added_to_an_open_batch_is_one_more_to_count(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    let lease = batch.start(0).await;
    let added = batch.add(vec![job(), job()]).await.unwrap();
    assert_eq!(batch.case.record(added[0]).await.batch, Some(batch.id));
    batch.case.settle(lease, completed("1")).await;
    assert_eq!((batch.called().await, batch.counts().await), ([Waiting; 3], [3, 2, 2, 1, 0, 0]));
    for id in added {
        let lease = batch.case.start(id, batch.worker).await;
        batch.case.settle(lease, completed("1")).await;
    }
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

pub async fn a_running_member_can_add_after_complete_was_called_back(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    batch.run(0, failed(batch.case.now)).await;
    let jobs = batch.case.claim(batch.worker, 2).await;
    assert_eq!(batch.called().await, [Running, Waiting, Waiting]);
    let added = batch.add(vec![job()]).await.unwrap()[0];
    let lease = jobs.into_iter().find(|job| job.lease.job == batch.members[0]).unwrap().lease;
    batch.case.settle(lease, completed("1")).await;
    assert_eq!(batch.called().await, [Running, Waiting, Waiting]);
    let lease = batch.case.start(added, batch.worker).await;
    batch.case.settle(lease, completed("1")).await;
    assert_eq!(batch.called().await, [Running, Ready, Cancelled]);
}

pub async fn a_closed_batch_takes_nothing_more(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 1).await;
    batch.run(0, dead(DeadReason::Exhausted)).await;
    let refused = batch.add(jobs(2)).await.unwrap_err();
    assert!(matches!(refused, Error::BatchClosed(id) if id == batch.id), "{refused}");
    assert!(refused.to_string().contains(&batch.id.to_string()), "{refused}");
    assert_eq!(batch.case.inspect().list(&Filter::default(), batch.case.now).await.unwrap().len(), 4);
    batch.case.retry(batch.members[0]).await;
    assert_eq!(batch.add(jobs(1)).await.unwrap().len(), 1);
}

pub async fn an_unknown_batch_is_refused(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let unknown = BatchId::derive(7, case.now);
    let foreign = BatchId::from(uuid::Uuid::new_v4());
    for id in [unknown, foreign] {
        let batch = Some(BatchPlace::Stored(id));
        let refused = case.store.push(Push::of(vec![NewJob { batch, ..job() }], case.now)).await.unwrap_err();
        assert!(matches!(refused, Error::NoSuchBatch(refused) if refused == id), "{refused}");
        assert_eq!(case.inspect().batch(id).await.unwrap(), None);
    }
}

pub async fn a_member_left_out_as_a_duplicate_is_not_counted(store: Arc<dyn Store>) {
    let flow = Flow::default().unique(Unique::new("import 7"));
    let batch = Begun::of(Case::new(store), vec![member(), NewJob { flow: flow.clone(), ..member() }]).await;
    batch.add(vec![NewJob { flow, ..job() }]).await.unwrap();
    assert_eq!(batch.counts().await, [2, 2, 2, 0, 0, 0]);
    batch.run(0, completed("1")).await;
    batch.run(1, completed("1")).await;
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
}

pub async fn a_callback_can_not_be_left_out_as_a_duplicate(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let unique = NewJob { flow: Flow::default().unique(Unique::new("report")), ..job() };
    case.push_one(unique.clone()).await;
    let batch = NewBatch { on_success: Some(0), ..NewBatch::new("import") };
    let refused = case.store.push(Push::of(vec![unique], case.now).batches(vec![batch])).await;
    assert!(matches!(refused, Err(Error::Duplicate { .. })), "{refused:?}");
    assert!(case.inspect().batches(&BatchFilter::default()).await.unwrap().is_empty());
}

pub async fn a_batch_that_is_cancelled_ends(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 3).await;
    batch.run(0, completed("1")).await;
    let lease = batch.start(1).await;
    batch.case.inspect().cancel(&batch.members, batch.case.now).await.unwrap();
    assert_eq!(batch.case.states(&batch.members).await, [Completed, Running, Cancelled]);
    assert_eq!(batch.called().await, [Waiting, Cancelled, Waiting]);
    batch.case.settle(lease, cancelled()).await;
    assert_eq!(batch.called().await, [Ready, Cancelled, Waiting]);
    assert_eq!(batch.counts().await, [3, 0, 0, 1, 0, 2]);
}

pub async fn an_empty_batch_completes_and_succeeds_at_once(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 0).await;
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
    assert_eq!((batch.counts().await, batch.record().await.finished_at), ([0; 6], Some(batch.case.now)));
    assert!(matches!(batch.add(jobs(1)).await, Err(Error::BatchClosed(_))));
}

pub async fn what_a_batch_is_comes_back_as_it_was(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let description = "Ünï \u{fdd0} – any \0 kind of \"text\"";
    let push = Push::of(vec![member()], case.now).batches(vec![NewBatch::new(description)]);
    let id = case.push_all(push).await.batches[0];
    assert_eq!(case.inspect().batch(id).await.unwrap().unwrap().description, description);
}

pub async fn a_batch_of_nothing_at_all_is_stored(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let stored = case.push_all(Push::of(Vec::new(), case.now).batches(vec![NewBatch::new("")])).await;
    let record = case.inspect().batch(stored.batches[0]).await.unwrap().unwrap();
    assert_eq!((record.total, record.completed_at), (0, Some(case.now)));
}

pub async fn batches_of_one_push_are_kept_apart(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let place = |batch| NewJob { batch: Some(BatchPlace::New(batch)), ..job() };
    let batch = |on_success| NewBatch { on_success: Some(on_success), ..NewBatch::new("one of two") };
    let jobs = vec![place(1), place(0), job(), job(), place(0)];
    let stored = case.push_all(Push::of(jobs, case.now).batches(vec![batch(2), batch(3)])).await;
    let ids = stored.ids();
    let lease = case.start(ids[0], case.join().await).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&ids[2..4]).await, [Waiting, Ready]);
    for (batch, total) in stored.batches.into_iter().zip([2, 1]) {
        assert_eq!(case.inspect().batch(batch).await.unwrap().unwrap().total, total);
    }
}

pub async fn a_push_whose_batches_do_not_fit_is_refused(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let member = |batch| NewJob { batch: Some(BatchPlace::New(batch)), ..job() };
    let callback = |on_complete| NewBatch { on_complete: Some(on_complete), ..NewBatch::default() };
    let child = |parent| NewBatch { parent: Some(BatchPlace::New(parent)), ..NewBatch::default() };
    for (jobs, batches) in [
        (vec![member(1)], vec![NewBatch::default()]),
        (vec![job()], vec![callback(1)]),
        (vec![member(0)], vec![callback(0)]),
        (vec![job()], vec![callback(0), callback(0)]),
        (vec![job(), after_job(0)], vec![callback(1)]),
        (vec![], vec![child(0)]),
        (vec![], vec![child(1), NewBatch::default()]),
    ] {
        let refused = case.store.push(Push::of(jobs, case.now).batches(batches)).await;
        assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
    }
    assert!(case.inspect().list(&Filter::default(), case.now).await.unwrap().is_empty());
    assert!(case.inspect().batches(&BatchFilter::default()).await.unwrap().is_empty());
}

pub async fn batches_are_listed_newest_first_page_by_page(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let batches = vec![NewBatch::new("a"), NewBatch::new("b"), NewBatch::new("c")];
    let ids = case.push_all(Push::of(Vec::new(), case.now).batches(batches)).await.batches;
    let page = |before| BatchFilter { limit: Some(2), before, ..BatchFilter::default() };
    let first = case.inspect().batches(&page(None)).await.unwrap();
    assert_eq!(first.iter().map(|batch| batch.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    let second = case.inspect().batches(&page(Some(ids[1]))).await.unwrap();
    assert_eq!(second.iter().map(|batch| batch.description.as_str()).collect::<Vec<_>>(), ["a"]);
}

pub async fn a_batch_is_forgotten_with_the_last_of_its_jobs(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 2).await;
    batch.run(0, completed("1")).await;
    batch.run(1, completed("1")).await;
    for job in batch.members.iter().chain(&batch.callbacks) {
        assert_eq!(batch.record().await.total, 2);
        assert!(batch.case.delete(*job).await);
    }
    assert_eq!(batch.case.inspect().batch(batch.id).await.unwrap(), None);
}

pub async fn ten_thousand_members_of_one_push_are_counted_exactly(store: Arc<dyn Store>) {
    let batch = Begun::new(store, 10_000).await;
    assert_eq!(batch.record().await.total, 10_000);
    let mut left = 10_000;
    while left > 0 {
        assert_eq!((batch.called().await, batch.record().await.pending), ([Waiting; 3], left));
        let claimed = batch.case.claim(batch.worker, 1_000).await;
        left -= claimed.len() as u64;
        let at = batch.case.now;
        let finished = claimed.iter().map(|job| Finished { lease: job.lease, outcome: completed("1"), at });
        let settled = batch.case.store.finish(finished.collect()).await.unwrap();
        assert!(settled.into_iter().all(|settled| settled == Settled::Stored));
    }
    assert_eq!(batch.called().await, [Ready, Ready, Cancelled]);
    assert_eq!(batch.counts().await, [10_000, 0, 0, 10_000, 0, 0]);
}

pub async fn members_that_end_at_once_are_counted_once(store: Arc<dyn Store>) {
    let batch = Arc::new(Begun::new(store, 64).await);
    let ends = batch.case.claim(batch.worker, 64).await.into_iter().map(|job| {
        let batch = Arc::clone(&batch);
        tokio::spawn(async move { batch.case.settle(job.lease, completed("1")).await })
    });
    for end in ends.collect::<Vec<_>>() {
        end.await.unwrap();
    }
    assert_eq!((batch.counts().await, batch.called().await), ([64, 0, 0, 64, 0, 0], [Ready, Ready, Cancelled]));
}
