#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{Claimed, JobId, JobState};
use crate::store::{Control, Pause, QueueLimit, SetBy, Store, Target, Topic};

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|job| job.lease.job).collect()
}

impl Case {
    fn control(&self) -> &dyn Control {
        self.store.control().expect("this case needs a store that can hold jobs back")
    }

    async fn pause(&self, target: Target, until: Option<jiff::Timestamp>) {
        self.control().pause(&target, until, self.now).await.unwrap();
    }

    async fn resume(&self, target: Target) -> bool {
        self.control().resume(&target, self.now).await.unwrap()
    }

    async fn limit_queue(&self, queue: &str, limit: QueueLimit, by: SetBy) {
        self.control().limit_queue(queue, limit, by).await.unwrap();
    }
}

fn targets() -> [Target; 3] {
    [Target::Everything, Target::Queue("default".to_owned()), Target::Job("job".to_owned())]
}

pub async fn nothing_of_a_paused_target_is_handed_out_until_it_is_resumed(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for target in targets() {
        let pushed = case.push(jobs(2)).await;
        case.pause(target.clone(), None).await;
        let batch = case.claim_as(case.asks(worker, 9)).await;
        assert_eq!((batch.jobs.len(), batch.next_due), (0, None), "{target}");
        assert_eq!(case.states(&pushed).await, [JobState::Ready; 2]);
        assert!(case.resume(target.clone()).await);
        assert!(!case.resume(target.clone()).await);
        assert_eq!(ids(&case.claim(worker, 9).await), pushed, "{target}");
    }
}

pub async fn a_pause_holds_up_nobody_else(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.pause(Target::Queue("mail".to_owned()), None).await;
    case.pause(Target::Job("first".to_owned()), None).await;
    let pushed = case.push(vec![in_queue("mail"), named("first"), job(), in_queue("other")]).await;
    let mut claimed = ids(&case.claim(worker, 9).await);
    claimed.sort();
    assert_eq!(claimed, pushed[2..]);
    assert_eq!(case.record(pushed[1]).await.held_by.as_deref(), Some("paused job first"));
}

pub async fn a_pause_ends_by_itself_at_its_time(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for target in targets() {
        let pushed = case.push(jobs(2)).await;
        let until = after(case.now, SECOND);
        case.pause(target.clone(), Some(until)).await;
        for _ in 0..2 {
            let batch = case.claim_as(case.asks(worker, 9)).await;
            assert_eq!((batch.jobs.len(), batch.next_due), (0, Some(until)), "{target}");
        }
        assert_eq!(case.control().pauses(case.now).await.unwrap(), [Pause::new(target.clone(), Some(until))]);
        case.pass(SECOND);
        assert_eq!(case.control().pauses(case.now).await.unwrap(), []);
        assert_eq!(ids(&case.claim(worker, 9).await), pushed, "{target}");
        assert!(!case.resume(target).await);
    }
}

pub async fn a_second_pause_takes_the_place_of_the_first(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for target in targets() {
        let pushed = case.push(jobs(1)).await;
        case.pause(target.clone(), Some(after(case.now, SECOND))).await;
        assert_eq!(case.claim(worker, 9).await, []);
        case.pause(target.clone(), Some(after(case.now, SECOND * 3))).await;
        case.pass(SECOND * 2);
        assert_eq!(case.claim(worker, 9).await, [], "{target}");
        case.pass(SECOND);
        assert_eq!(ids(&case.claim(worker, 9).await), pushed, "{target}");
    }
}

pub async fn what_runs_goes_on_through_a_pause(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.pause(Target::Everything, None).await;
    case.settle(lease, completed("1")).await;
}

pub async fn jobs_that_a_pause_held_come_in_their_order(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.pause(Target::Job("job".to_owned()), None).await;
    let pushed = case.push(jobs(30)).await;
    assert_eq!(case.claim(worker, 9).await, []);
    case.resume(Target::Job("job".to_owned())).await;
    let mut claimed = Vec::new();
    for _ in 0..10 {
        claimed.extend(ids(&case.claim(worker, 3).await));
    }
    assert_eq!(claimed, pushed);
}

pub async fn a_resume_wakes_those_who_wait_for_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    for target in targets() {
        case.pause(target.clone(), None).await;
        let mut wakeups = case.store.wakeups(Topic::Ready);
        wakeups.forget();
        case.resume(target).await;
        wakeups.changed().await;
    }
}

pub async fn a_queue_runs_no_more_at_once_than_its_limit(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.limit_queue("mail", QueueLimit::new().concurrency(2), SetBy::Hand).await;
    let pushed = case.push(vec![in_queue("mail"); 4]).await;
    let other = case.push_one(in_queue("other")).await;
    let mut claimed = case.claim(worker, 9).await;
    claimed.sort_by_key(|job| job.lease.job);
    assert_eq!(ids(&claimed), [pushed[0], pushed[1], other]);
    assert_eq!(case.claim(worker, 9).await, []);
    let mut wakeups = case.store.wakeups(Topic::Ready);
    wakeups.forget();
    case.settle(claimed[0].lease, failed(case.in_an_hour())).await;
    wakeups.changed().await;
    assert_eq!(ids(&case.claim(worker, 9).await), pushed[2..3]);
}

pub async fn a_queue_starts_no_more_in_a_time_than_its_limit(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.limit_queue("mail", QueueLimit::new().rate(2, SECOND), SetBy::Hand).await;
    let pushed = case.push(vec![in_queue("mail"); 4]).await;
    let batch = case.claim_as(case.asks(worker, 9)).await;
    assert_eq!((ids(&batch.jobs), batch.next_due), (pushed[..2].to_vec(), Some(after(case.now, SECOND / 2))));
    assert_eq!(case.claim(worker, 9).await, []);
    case.pass(SECOND / 2);
    assert_eq!(ids(&case.claim(worker, 9).await), pushed[2..3]);
}

pub async fn a_limit_counts_the_jobs_of_the_queue_that_run_already(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![in_queue("mail"); 3]).await;
    let claimed = case.claim(worker, 2).await;
    case.limit_queue("mail", QueueLimit::new().concurrency(2), SetBy::Hand).await;
    assert_eq!(case.claim(worker, 9).await, []);
    case.settle(claimed[0].lease, completed("1")).await;
    assert_eq!(case.claim(worker, 9).await.len(), 1);
}

pub async fn an_empty_limit_sets_a_queue_free(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let limit = QueueLimit::new().concurrency(1).rate(1, SECOND);
    case.limit_queue("mail", limit, SetBy::Hand).await;
    assert_eq!(case.control().queue_limits().await.unwrap(), [("mail".to_owned(), limit)]);
    case.push(vec![in_queue("mail"); 3]).await;
    assert_eq!(case.claim(worker, 9).await.len(), 1);
    case.limit_queue("mail", QueueLimit::new(), SetBy::Hand).await;
    assert_eq!(case.control().queue_limits().await.unwrap(), []);
    assert_eq!(case.claim(worker, 9).await.len(), 2);
}

pub async fn a_limit_set_by_hand_holds_until_a_start_that_names_another(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let limit = |count| QueueLimit::new().concurrency(count);
    let steps = [(5, SetBy::Start, 5), (7, SetBy::Hand, 7), (5, SetBy::Start, 7), (6, SetBy::Start, 6)];
    for (count, by, expected) in steps {
        case.limit_queue("mail", limit(count), by).await;
        assert_eq!(case.control().queue_limits().await.unwrap(), [("mail".to_owned(), limit(expected))]);
    }
}

pub async fn a_limit_under_which_nothing_could_run_is_refused(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let refused = case.control().limit_queue("mail", QueueLimit::new().concurrency(0), SetBy::Hand).await;
    assert!(refused.unwrap_err().to_string().contains("mail"));
}
