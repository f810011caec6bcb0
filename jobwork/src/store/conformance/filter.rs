#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::clock::after;
use crate::job::{DeadReason, Failure, JobId, JobState, NewJob, Outcome};
use crate::store::{Filter, Store};

const MILLISECOND: Duration = Duration::from_millis(1);

impl Case {
    async fn matching(&self, filter: &Filter) -> Vec<JobId> {
        let mut found: Vec<_> =
            self.inspect().list(filter, self.now).await.unwrap().into_iter().map(|job| job.id).collect();
        found.reverse();
        found
    }

    async fn requeue(&self, job: JobId) -> bool {
        self.inspect().requeue(&[job], "slow", self.now).await.unwrap()[0]
    }
}

fn tagged(tags: &[&str]) -> NewJob {
    NewJob { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..job() }
}

pub async fn all_tags_of_a_filter_must_be_there(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![tagged(&["a", "b"]), tagged(&["a"]), tagged(&["b", "c", "a"])]).await;
    let tags = |tags: &[&str]| Filter { tags: tagged(tags).tags, ..Filter::default() };
    assert_eq!(case.matching(&tags(&["b", "a"])).await, [ids[0], ids[2]]);
    assert_eq!(case.matching(&tags(&["a", "d"])).await, []);
}

pub async fn jobs_are_found_by_the_time_of_their_dispatch(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let begun = case.now;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(case.push_one(job()).await);
        case.pass(SECOND);
    }
    let second = after(begun, SECOND);
    let before = |time| Filter { created_before: Some(time), ..Filter::default() };
    let since = |time| Filter { created_after: Some(time), ..Filter::default() };
    assert_eq!(case.matching(&before(second)).await, ids[..1]);
    assert_eq!(case.matching(&before(after(second, MILLISECOND))).await, ids[..2]);
    assert_eq!(case.matching(&since(second)).await, ids[2..]);
    assert_eq!(case.matching(&Filter { created_after: Some(begun), ..before(case.now) }).await, ids[1..]);
}

pub async fn jobs_are_found_by_the_time_of_their_end(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let (one, other) = (case.running(worker).await, case.running(worker).await);
    case.push_one(job()).await;
    case.settle(one, completed("1")).await;
    case.pass(SECOND);
    case.settle(other, dead(DeadReason::Exhausted)).await;
    let before = |time| Filter { finished_before: Some(time), ..Filter::default() };
    assert_eq!(case.matching(&before(case.now)).await, [one.job]);
    assert_eq!(case.matching(&before(case.in_an_hour())).await, [one.job, other.job]);
}

pub async fn jobs_are_found_by_the_text_of_their_error_in_any_case_of_letters(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (retried, ended) = (case.running(worker).await, case.running(worker).await);
    let discarded_one = case.running(worker).await;
    case.push_one(job()).await;
    case.settle(retried, failed(case.in_an_hour())).await;
    case.settle(ended, dead(DeadReason::Exhausted)).await;
    case.settle(discarded_one, discarded()).await;
    let error = |text: &str| Filter { error: Some(text.to_owned()), ..Filter::default() };
    assert_eq!(case.matching(&error("No ROUTE")).await, [retried.job]);
    assert_eq!(case.matching(&error("no retries left")).await, [ended.job]);
    assert_eq!(case.matching(&error("such address")).await, [ended.job]);
    assert_eq!(case.matching(&error("nobody wants")).await, [discarded_one.job]);
    for none in ["%", "no_route", "'", "?"] {
        assert_eq!(case.matching(&error(none)).await, [], "{none}");
    }
    let dead = Filter { states: vec![JobState::Dead], ..error("no ") };
    assert_eq!(case.matching(&dead).await, [ended.job]);
}

pub async fn an_error_with_a_zero_byte_comes_back_as_it_was_and_hides_no_other(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (odd, other) = (case.running(worker).await, case.running(worker).await);
    let broken = Failure { detail: Some("\0".to_owned()), ..failure("broken \0 pipe") };
    case.settle(odd, Outcome::Retry { at: case.in_an_hour(), failure: broken.clone() }).await;
    case.settle(other, failed(case.in_an_hour())).await;
    assert_eq!(case.history(odd.job).await[0].failure, Some(broken));
    let error = |text: &str| Filter { error: Some(text.to_owned()), ..Filter::default() };
    assert_eq!(case.matching(&error("no route")).await, [other.job]);
    assert_eq!(case.matching(&error("Broken")).await, [odd.job]);
}

pub async fn a_job_that_does_not_run_is_moved_as_it_is(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let ids = case.push(vec![job(), due(case.in_an_hour()), after_job(0)]).await;
    for id in &ids {
        let before = case.record(*id).await;
        assert!(case.requeue(*id).await);
        let moved = case.record(*id).await;
        assert_eq!(moved, crate::job::Record { queue: "slow".to_owned(), ..before });
    }
    case.pass(HOUR);
    let worker = case.join().await;
    let queues = Some(strings(&["slow"]));
    let claim = crate::store::Claim { queues, ..case.asks(worker, 9) };
    assert_eq!(case.claim_as(claim).await.jobs.len(), 2);
    assert_eq!(case.claim(worker, 9).await, []);
}

pub async fn an_ended_job_is_retried_in_its_new_queue(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let lease = case.running(worker).await;
        case.settle(lease, outcome).await;
        assert!(case.requeue(lease.job).await);
        let moved = case.record(lease.job).await;
        assert_eq!((moved.state, moved.queue.as_str(), moved.attempt), (JobState::Ready, "slow", 0));
        case.delete(lease.job).await;
    }
}

pub async fn a_job_that_runs_or_can_not_be_retried_or_is_unknown_is_not_moved(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let ids = case.push(chain(2)).await;
    case.cancel(ids[0]).await;
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    let all = [lease.job, ids[1], unknown, ids[0]];
    let moved = case.inspect().requeue(&all, "slow", case.now).await.unwrap();
    assert_eq!(moved, [false, false, false, true]);
    for id in [lease.job, ids[1]] {
        assert_eq!(case.record(id).await.queue, "default");
    }
}

pub async fn a_moved_job_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let id = case.push_one(job()).await;
    let mut ready = case.store.wakeups(crate::store::Topic::Ready);
    ready.forget();
    assert!(case.requeue(id).await);
    tokio::time::timeout(Duration::from_secs(30), ready.changed()).await.expect("nobody was woken");
}
