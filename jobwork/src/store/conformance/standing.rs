#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::case::*;
use crate::clock::after;
use crate::error::Result;
use crate::job::{JobId, NewJob};
use crate::store::{Batch, Claim, QueueCap, Store, Topic};

/// A worker looks before it lets a claim stand, and finds nothing.
async fn look(case: &Case, claim: Claim) {
    assert_eq!(ids(&case.claim_as(claim).await), []);
}

/// Lets a claim stand: from then on it waits, and has an answer only if the store gave it one.
async fn stand(mut claim: Pin<&mut impl Future<Output = Result<Batch>>>) {
    let answered = poll_fn(|context| Poll::Ready(claim.as_mut().poll(context).is_ready())).await;
    assert!(!answered, "nothing is ready, and the claim stands");
}

/// What a worker gets that waits as workers do: for its standing claim, and for hints to ask.
async fn next(case: &Case, claim: Claim, push: Vec<NewJob>) -> (Vec<JobId>, Batch) {
    let mut hints = case.store.wakeups(Topic::Ready);
    look(case, claim.clone()).await;
    let mut standing = pin!(case.store.claim_when_ready(claim.clone()));
    stand(standing.as_mut()).await;
    hints.forget();
    let pushed = case.push(push).await;
    let batch = tokio::select! {
        biased;
        handed = standing => handed.unwrap(),
        () = hints.changed() => case.claim_as(claim).await,
    };
    (pushed, batch)
}

fn ids(batch: &Batch) -> Vec<JobId> {
    batch.jobs.iter().map(|job| job.lease.job).collect()
}

pub async fn a_job_that_is_handed_over_runs_under_its_lease(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (pushed, batch) = next(&case, case.asks(worker, 9), vec![job()]).await;
    assert_eq!(ids(&batch), pushed);
    let lease = batch.jobs[0].lease;
    assert_eq!((lease.attempt, lease.worker), (1, worker));
    assert_eq!(case.claim(case.join().await, 9).await, []);
    case.settle(lease, completed("1")).await;
}

pub async fn the_most_urgent_are_handed_over_first_and_no_more_than_were_asked_for(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let urgent = NewJob { priority: 3, ..job() };
    let (pushed, batch) = next(&case, case.asks(worker, 2), vec![job(), urgent, job()]).await;
    assert_eq!(ids(&batch), [pushed[1], pushed[0]]);
    assert_eq!(case.claim_ids(worker, 9).await, [pushed[2]]);
}

pub async fn a_worker_is_not_handed_what_it_does_not_serve(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (worker, other) = (case.join().await, case.join().await);
    let claim = Claim { queues: Some(strings(&["mail"])), ..case.asks(worker, 9) };
    let mail = NewJob { queue: "mail".into(), ..job() };
    let (pushed, batch) = next(&case, claim, vec![job(), mail]).await;
    assert_eq!(ids(&batch), [pushed[1]]);
    assert_eq!(case.claim_ids(other, 9).await, [pushed[0]]);
}

pub async fn who_was_handed_jobs_finds_all_that_is_ready_or_hears_that_there_is_more(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (pushed, batch) = next(&case, case.asks(worker, 9), vec![job()]).await;
    assert_eq!(ids(&batch), pushed);
    let tagged = || NewJob { tags: vec!["not plain".to_owned()], ..job() };
    case.push(vec![tagged(), tagged(), tagged(), tagged()]).await;
    let found = case.claim_as(case.asks(worker, 4)).await;
    assert!(found.jobs.len() == 4 || found.next_due == Some(case.now), "{found:?}");
}

pub async fn what_is_due_later_is_not_handed_over(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (_, batch) = next(&case, case.asks(worker, 9), vec![due(case.in_an_hour())]).await;
    assert_eq!((ids(&batch), batch.next_due), (vec![], Some(case.in_an_hour())));
}

pub async fn who_listens_and_was_handed_nothing_is_woken_all_the_same(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (_own, mut others) = (case.store.wakeups(Topic::Ready), case.store.wakeups(Topic::Ready));
    look(&case, case.asks(worker, 1)).await;
    let mut standing = pin!(case.store.claim_when_ready(case.asks(worker, 1)));
    stand(standing.as_mut()).await;
    others.forget();
    case.push(vec![job(), job()]).await;
    others.changed().await;
}

pub async fn two_that_wait_are_not_handed_one_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (one, other) = (case.join().await, case.join().await);
    look(&case, case.asks(one, 1)).await;
    let mut first = pin!(case.store.claim_when_ready(case.asks(one, 1)));
    look(&case, case.asks(other, 1)).await;
    let mut second = pin!(case.store.claim_when_ready(case.asks(other, 1)));
    stand(first.as_mut()).await;
    stand(second.as_mut()).await;
    let pushed = case.push(vec![job(), job(), job()]).await;
    let mut got = Vec::new();
    for (worker, standing) in [(one, first), (other, second)] {
        let handed = tokio::select! {
            biased;
            handed = standing => handed.unwrap(),
            () = std::future::ready(()) => case.claim_as(case.asks(worker, 1)).await,
        };
        got.extend(ids(&handed));
    }
    got.extend(case.claim_ids(one, 9).await);
    got.sort_unstable();
    assert_eq!(got, pushed);
}

pub async fn what_was_handed_to_a_claim_that_is_dropped_is_given_back(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (worker, other) = (case.join().await, case.join().await);
    {
        look(&case, case.asks(worker, 9)).await;
        let mut standing = pin!(case.store.claim_when_ready(case.asks(worker, 9)));
        stand(standing.as_mut()).await;
        case.push(vec![job(), job()]).await;
    }
    let jobs = case.claim(other, 9).await;
    assert_eq!(jobs.iter().map(|job| job.lease.attempt).collect::<Vec<_>>(), [1, 1]);
    {
        look(&case, case.asks(worker, 9)).await;
        let mut standing = pin!(case.store.claim_when_ready(case.asks(worker, 9)));
        stand(standing.as_mut()).await;
    }
    let pushed = case.push_one(job()).await;
    assert_eq!(case.claim_ids(other, 9).await, [pushed]);
}

pub async fn what_is_handed_over_after_an_answer_comes_with_the_next_claim(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (first, batch) = next(&case, case.asks(worker, 9), vec![job()]).await;
    assert_eq!(ids(&batch), first);
    let later = case.push(vec![job(), job()]).await;
    assert_eq!(case.claim_ids(worker, 1).await.len(), 1);
    assert_eq!(case.claim_ids(worker, 9).await.len(), 1);
    assert_eq!(case.claim_ids(worker, 9).await, []);
    for job in later {
        assert_eq!(case.record(job).await.attempt, 1);
    }
}

pub async fn a_claim_of_no_jobs_ends_what_is_handed_over(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (worker, other) = (case.join().await, case.join().await);
    let (first, batch) = next(&case, case.asks(worker, 9), vec![job()]).await;
    assert_eq!(ids(&batch), first);
    let lying = case.push_one(job()).await;
    assert_eq!(case.claim_ids(worker, 0).await, []);
    let later = case.push_one(job()).await;
    assert_eq!(case.claim_ids(other, 9).await, [lying, later]);
}

pub async fn who_got_all_it_could_get_is_told_of_what_is_left(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (first, batch) = next(&case, case.asks(worker, 3), vec![job(), job()]).await;
    assert_eq!(ids(&batch), first);
    let mut hints = case.store.wakeups(Topic::Ready);
    hints.forget();
    // One of these may still be handed over, and that is all.
    let later = case.push(vec![job(), job(), job()]).await;
    hints.changed().await;
    assert_eq!(case.claim_ids(worker, 9).await, later);
}

pub async fn who_is_handed_something_is_told_when_the_next_job_is_due(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push_one(NewJob { run_at: Some(case.in_an_hour()), ..job() }).await;
    let (pushed, batch) = next(&case, case.asks(worker, 9), vec![job()]).await;
    assert_eq!((ids(&batch), batch.next_due), (pushed, Some(case.in_an_hour())));
    let earlier = NewJob { run_at: Some(after(case.now, SECOND)), ..job() };
    let (pushed, batch) = next(&case, case.asks(worker, 9), vec![job(), earlier]).await;
    assert_eq!((ids(&batch), batch.next_due), (vec![pushed[0]], Some(after(case.now, SECOND))));
}

pub async fn what_is_handed_over_comes_in_the_order_of_the_queues_and_within_their_caps(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let queues = Some(["second", "first"].map(str::to_owned).into());
    let caps = Arc::new([QueueCap { queue: "first".to_owned(), jobs: 1 }]);
    let claim = Claim { queues, caps, ..case.asks(worker, 9) };
    let of = |queue: &'static str| NewJob { queue: queue.into(), ..job() };
    let push = ["first", "second", "third", "first", "second"].map(of).to_vec();
    let (pushed, batch) = next(&case, claim, push).await;
    assert_eq!(ids(&batch), [pushed[1], pushed[4], pushed[0]]);
    assert_eq!(case.claim_ids(worker, 9).await.len(), 2, "the others are ready for the next");
}
