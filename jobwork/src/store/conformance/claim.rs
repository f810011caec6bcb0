#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{JobId, JobState, Lease, NewJob, WorkerId};
use crate::store::{BeatKind, Claim, Served, Store};

fn ids(claimed: Vec<crate::job::Claimed>) -> Vec<JobId> {
    claimed.into_iter().map(|job| job.lease.job).collect()
}

fn of_queues(case: &Case, worker: WorkerId, queues: &[&str], limit: usize) -> Claim {
    Claim { queues: Some(strings(queues)), ..case.asks(worker, limit) }
}

pub async fn a_claimed_job_is_as_it_was_given(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let created_at = case.now;
    let given = NewJob {
        queue: "mail".into(),
        priority: 4,
        retries: 6,
        tags: vec!["b".to_owned(), "a".to_owned()],
        run_at: Some(after(case.now, SECOND)),
        ..NewJob::new("job", r#"{"n":1}"#)
    };
    let id = case.push_one(given).await;
    let worker = case.join().await;
    case.pass(SECOND);
    let job = case.claim_one(worker).await;
    assert_eq!(job.lease, Lease { job: id, attempt: 1, worker, claim: 1 });
    assert_eq!((job.name.as_str(), job.queue.as_str(), job.args.as_str()), ("job", "mail", r#"{"n":1}"#));
    assert_eq!((job.priority, job.retries, job.rescues), (4, 6, 0));
    assert_eq!((job.created_at, job.run_at), (created_at, case.now));
    assert_eq!((job.tags, job.chain), (vec!["b".to_owned(), "a".to_owned()], None));
}

pub async fn a_claimed_job_is_running_and_knows_its_worker(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(job()).await;
    case.pass(SECOND);
    case.start(id, worker).await;
    let job = case.record(id).await;
    assert_eq!((job.state, job.attempt, job.worker), (JobState::Running, 1, Some(worker)));
    assert_eq!((job.started_at, job.finished_at), (Some(case.now), None));
}

pub async fn a_job_is_never_handed_out_twice(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(jobs(10)).await;
    let (one, other) = (case.join().await, case.join().await);
    let mut claimed = ids(case.claim(one, 6).await);
    claimed.extend(ids(case.claim(other, 6).await));
    claimed.extend(ids(case.claim(one, 6).await));
    assert_eq!(claimed.len(), 10);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), 10);
}

pub async fn a_claim_gives_at_most_its_limit(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(vec![job(), in_queue("other"), job(), in_queue("other")]).await;
    let worker = case.join().await;
    assert_eq!(case.claim(worker, 0).await, []);
    assert_eq!(case.claim(worker, 3).await.len(), 3);
    assert_eq!(case.claim(worker, 3).await.len(), 1);
}

pub async fn a_claim_gives_no_more_bytes_than_a_worker_can_hold_ahead(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let large = || NewJob::new("job", format!(r#"{{"data":"{}"}}"#, "x".repeat(9_000_000)));
    let small = || NewJob { queue: "small".into(), ..job() };
    let ids = case.push(vec![large(), large(), job(), large(), large(), job(), large(), small()]).await;
    let asks = of_queues(&case, worker, &["default", "small"], 100);
    let first = case.claim_as(asks).await;
    // Thirty-two million are enough.
    assert_eq!((first.jobs.len(), first.next_due), (5, Some(case.now)));
    let mut claimed: BTreeSet<_> = self::ids(first.jobs).into_iter().collect();
    claimed.extend(case.claim_ids(worker, 100).await);
    assert_eq!(claimed, ids.into_iter().collect());
}

pub async fn a_higher_priority_is_claimed_first(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    for priority in [0, 7, -1, 7] {
        case.push(vec![NewJob { priority, ..job() }]).await;
        case.pass(SECOND);
    }
    let worker = case.join().await;
    let claimed: Vec<i32> = case.claim(worker, 4).await.into_iter().map(|job| job.priority).collect();
    assert_eq!(claimed, [7, 7, 0, -1]);
}

pub async fn within_a_priority_the_longest_due_is_claimed_first(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let late = case.push_one(due(after(case.now, SECOND * 3))).await;
    let early = case.push_one(due(after(case.now, SECOND))).await;
    let middle = case.push_one(due(after(case.now, SECOND * 2))).await;
    case.pass(HOUR);
    let worker = case.join().await;
    assert_eq!(ids(case.claim(worker, 3).await), [early, middle, late]);
}

pub async fn within_a_time_the_first_dispatched_is_claimed_first(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut pushed = case.push(jobs(20)).await;
    pushed.extend(case.push(jobs(20)).await);
    let worker = case.join().await;
    let mut claimed = ids(case.claim(worker, 7).await);
    claimed.extend(ids(case.claim(worker, 40).await));
    assert_eq!(claimed, pushed);
}

pub async fn queues_are_emptied_in_the_order_of_the_claim(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let urgent = NewJob { priority: 100, ..in_queue("low") };
    case.push(vec![in_queue("low"), urgent, in_queue("high"), in_queue("high"), in_queue("a")]).await;
    let worker = case.join().await;
    let claimed = case.claim_as(of_queues(&case, worker, &["high", "low", "a"], 4)).await.jobs;
    let claimed: Vec<_> = claimed.into_iter().map(|job| (job.queue, job.priority)).collect();
    let expected = [("high", 0), ("high", 0), ("low", 100), ("low", 0)];
    assert_eq!(claimed, expected.map(|(queue, priority)| (queue.to_owned(), priority)));
}

pub async fn a_queue_that_is_not_asked_for_is_left_alone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let other = case.push_one(in_queue("other")).await;
    let worker = case.join().await;
    assert_eq!(case.claim_as(of_queues(&case, worker, &["default", "mail"], 9)).await.jobs, []);
    assert_eq!(case.claim_as(of_queues(&case, worker, &[], 9)).await.jobs, []);
    assert_eq!(case.state(other).await, JobState::Ready);
}

pub async fn a_claim_without_queues_serves_every_queue(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(vec![in_queue("b"), in_queue("a"), in_queue("c")]).await;
    let worker = case.join().await;
    let queues: BTreeSet<String> = case.claim(worker, 3).await.into_iter().map(|job| job.queue).collect();
    assert_eq!(queues.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}

pub async fn a_name_the_worker_lacks_is_left_for_one_that_has_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let id = case.push_one(named("rare")).await;
    let (common, rare) = (case.join().await, case.join().await);
    assert_eq!(case.claim(common, 5).await, []);
    let job = case.record(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Ready, 0));
    let claim = Claim { names: served(&["rare"]), ..case.asks(rare, 5) };
    assert_eq!(case.claim_as(claim).await.jobs[0].lease, Lease { job: id, attempt: 1, worker: rare, claim: 1 });
}

pub async fn arguments_newer_than_the_worker_are_left_for_one_that_knows_them(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let id = case.push_one(NewJob { version: 2, ..job() }).await;
    let (old, new) = (case.join().await, case.join().await);
    assert_eq!(case.claim(old, 5).await, []);
    let names = [Served { name: "job".to_owned(), version: 3 }].into();
    let claimed = case.claim_as(Claim { names, ..case.asks(new, 5) }).await.jobs;
    assert_eq!((claimed[0].lease.job, claimed[0].version), (id, 2));
}

pub async fn jobs_of_other_names_hide_nothing_behind_them(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(vec![NewJob { priority: 9, ..named("rare") }; 300]).await;
    let id = case.push_one(job()).await;
    let worker = case.join().await;
    assert_eq!(ids(case.claim(worker, 2).await), [id]);
}

pub async fn a_worker_without_names_claims_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(jobs(1)).await;
    let worker = case.join().await;
    let batch = case.claim_as(Claim { names: served(&[]), ..case.asks(worker, 5) }).await;
    assert_eq!((batch.jobs, batch.next_due), (Vec::new(), None));
}

pub async fn a_scheduled_job_is_claimed_at_its_time_and_not_before(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(due(case.in_an_hour())).await;
    case.pass(HOUR - SECOND);
    assert_eq!(case.claim(worker, 1).await, []);
    case.pass(SECOND);
    assert_eq!(ids(case.claim(worker, 1).await), [id]);
}

pub async fn an_urgent_job_that_is_not_due_holds_up_nobody(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(vec![NewJob { priority: 9, ..due(case.in_an_hour()) }]).await;
    let id = case.push_one(job()).await;
    let worker = case.join().await;
    assert_eq!(ids(case.claim(worker, 5).await), [id]);
}

pub async fn a_waiting_job_is_not_claimed(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let pushed = case.push(vec![job(), NewJob { priority: 9, ..after_job(0) }]).await;
    let worker = case.join().await;
    let batch = case.claim_as(case.asks(worker, 5)).await;
    assert_eq!((ids(batch.jobs), batch.next_due), (vec![pushed[0]], None));
}

pub async fn next_due_is_when_the_next_job_falls_due(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let sooner = after(case.now, SECOND);
    case.push(vec![NewJob { priority: 9, ..due(case.in_an_hour()) }, due(sooner), job()]).await;
    let worker = case.join().await;
    let batch = case.claim_as(case.asks(worker, 5)).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (1, Some(sooner)));
}

pub async fn next_due_is_only_of_jobs_the_worker_could_claim(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let sooner = after(case.now, SECOND);
    let rare = NewJob { run_at: Some(sooner), ..named("rare") };
    let elsewhere = NewJob { run_at: Some(sooner), ..in_queue("other") };
    case.push(vec![rare, elsewhere, due(case.in_an_hour())]).await;
    let worker = case.join().await;
    let batch = case.claim_as(of_queues(&case, worker, &["default"], 5)).await;
    assert_eq!(batch.next_due, Some(case.in_an_hour()));
}

pub async fn next_due_is_none_when_nothing_is_scheduled(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(jobs(1)).await;
    let worker = case.join().await;
    assert_eq!(case.claim_as(case.asks(worker, 5)).await.next_due, None);
    assert_eq!(case.claim_as(case.asks(worker, 5)).await.next_due, None);
}

pub async fn a_worker_that_never_joined_claims_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let id = case.push_one(job()).await;
    assert_eq!(case.claim(WorkerId::fresh(), 1).await, []);
    assert_eq!(case.state(id).await, JobState::Ready);
}

pub async fn a_worker_that_left_claims_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let id = case.push_one(job()).await;
    let worker = case.join().await;
    case.beat(worker, BeatKind::Leave).await;
    assert_eq!(case.claim(worker, 1).await, []);
    assert_eq!(case.state(id).await, JobState::Ready);
}

pub async fn a_worker_that_was_declared_dead_claims_nothing(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let id = case.push_one(job()).await;
    let worker = case.join().await;
    case.pass(LEASE);
    case.rescue().await;
    assert_eq!(case.claim(worker, 1).await, []);
    assert_eq!(case.state(id).await, JobState::Ready);
}
