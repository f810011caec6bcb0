#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::clock::after;
use crate::job::{JobId, NewJob, WorkerId};
use crate::store::{Claim, Store};

fn of_priority(priority: i32) -> NewJob {
    NewJob { priority, ..job() }
}

/// The next `limit` jobs, a priority being worth this much waiting.
async fn aged(case: &Case, worker: WorkerId, limit: usize, ageing: Duration) -> Vec<JobId> {
    let claim = Claim { ageing: Some(ageing), ..case.asks(worker, limit) };
    case.claim_as(claim).await.jobs.into_iter().map(|job| job.lease.job).collect()
}

/// The queues of the next `limit` jobs, with these caps.
async fn capped(case: &Case, worker: WorkerId, limit: usize, most: &[(&str, usize)]) -> Vec<String> {
    let claim = Claim { caps: caps(most), queues: Some(strings(&["mail", "other"])), ..case.asks(worker, limit) };
    case.claim_as(claim).await.jobs.into_iter().map(|job| job.queue).collect()
}

pub async fn a_job_that_waited_long_enough_overtakes_a_more_urgent_one(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let old = case.push_one(of_priority(0)).await;
    case.pass(3 * HOUR);
    let urgent = case.push_one(of_priority(3)).await;
    let more_urgent = case.push_one(of_priority(4)).await;
    assert_eq!(aged(&case, worker, 3, HOUR).await, [more_urgent, old, urgent]);
}

pub async fn nothing_ages_where_the_claim_does_not_say_so(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let old = case.push_one(of_priority(0)).await;
    case.pass(1_000 * HOUR);
    let urgent = case.push_one(of_priority(1)).await;
    case.start(urgent, worker).await;
    case.start(old, worker).await;
}

pub async fn a_job_ages_from_when_it_is_due(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let scheduled = case.push_one(NewJob { run_at: Some(after(case.now, 9 * HOUR)), ..of_priority(0) }).await;
    case.pass(10 * HOUR);
    let urgent = case.push_one(of_priority(2)).await;
    assert_eq!(aged(&case, worker, 1, HOUR).await, [urgent]);
    case.pass(HOUR);
    let urgent = case.push_one(of_priority(2)).await;
    assert_eq!(aged(&case, worker, 2, HOUR).await, [scheduled, urgent]);
}

pub async fn a_job_of_low_priority_does_not_wait_for_ever_where_jobs_age(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let low = case.push_one(of_priority(-5)).await;
    for hours in 0..=10 {
        case.push(vec![of_priority(5)]).await;
        if aged(&case, worker, 1, HOUR).await == [low] {
            assert_eq!(hours, 10);
            return;
        }
        case.pass(HOUR);
    }
    panic!("the job of low priority starves");
}

pub async fn jobs_that_aged_are_handed_out_in_order_and_within_the_limit(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for priority in [2, 0, 1, 0, 2, 1] {
        ids.push(case.push_one(of_priority(priority)).await);
        case.pass(HOUR);
    }
    // Waited 6, 5, 4, 3, 2 and 1 hours: worth 8, 5, 5, 3, 4 and 2.
    assert_eq!(aged(&case, worker, 3, HOUR).await, ids[..3]);
    assert_eq!(aged(&case, worker, 9, HOUR).await, [ids[4], ids[3], ids[5]]);
}

pub async fn jobs_that_aged_are_still_handed_out_queue_by_queue(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push_one(in_queue("other")).await;
    case.pass(100 * HOUR);
    case.push_one(in_queue("mail")).await;
    let claim = Claim { ageing: Some(HOUR), queues: Some(strings(&["mail", "other"])), ..case.asks(worker, 2) };
    let queues: Vec<_> = case.claim_as(claim).await.jobs.into_iter().map(|job| job.queue).collect();
    assert_eq!(queues, ["mail", "other"]);
}

pub async fn a_claim_where_jobs_age_says_when_the_next_is_due(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![job(), NewJob { priority: 7, ..due(case.in_an_hour()) }]).await;
    let claim = Claim { ageing: Some(SECOND), ..case.asks(worker, 5) };
    let batch = case.claim_as(claim).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (1, Some(case.in_an_hour())));
}

pub async fn a_claim_takes_no_more_of_a_queue_than_its_cap(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![in_queue("mail"); 5]).await;
    case.push(vec![in_queue("other"); 5]).await;
    assert_eq!(capped(&case, worker, 4, &[("mail", 2)]).await, ["mail", "mail", "other", "other"]);
    assert_eq!(capped(&case, worker, 1, &[("mail", 2)]).await, ["mail"]);
    assert_eq!(capped(&case, worker, 9, &[("mail", 1), ("other", 2)]).await, ["mail", "other", "other"]);
}

pub async fn a_queue_with_a_cap_of_none_is_left_alone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![in_queue("mail"), in_queue("other")]).await;
    assert_eq!(capped(&case, worker, 5, &[("mail", 0), ("unheard_of", 3)]).await, ["other"]);
    assert_eq!(capped(&case, worker, 5, &[("mail", 0)]).await, [""; 0]);
    assert_eq!(capped(&case, worker, 5, &[("mail", 1)]).await, ["mail"]);
}

pub async fn a_claim_of_every_queue_heeds_caps_too(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![in_queue("mail"); 3]).await;
    case.push(vec![in_queue("other"); 3]).await;
    let claim = Claim { caps: caps(&[("mail", 1)]), ..case.asks(worker, 9) };
    let claimed = case.claim_as(claim).await.jobs;
    assert_eq!(claimed.iter().filter(|job| job.queue == "mail").count(), 1);
    assert_eq!(claimed.len(), 4);
}

pub async fn a_cap_takes_the_most_urgent_of_the_queue(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let old = case.push_one(of_priority(0)).await;
    case.pass(5 * HOUR);
    let urgent = case.push_one(of_priority(3)).await;
    case.push_one(of_priority(2)).await;
    let claim = Claim { caps: caps(&[("default", 1)]), ..case.asks(worker, 9) };
    let first = case.claim_as(claim.clone()).await.jobs;
    assert_eq!(first.iter().map(|job| job.lease.job).collect::<Vec<_>>(), [urgent]);
    let second = case.claim_as(Claim { ageing: Some(HOUR), ..claim }).await.jobs;
    assert_eq!(second.iter().map(|job| job.lease.job).collect::<Vec<_>>(), [old]);
}

pub async fn a_full_queue_keeps_nobody_from_hearing_when_the_next_job_is_due(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let scheduled = NewJob { run_at: Some(case.in_an_hour()), ..in_queue("other") };
    case.push(vec![in_queue("mail"), scheduled]).await;
    let batch = case.claim_as(Claim { caps: caps(&[("mail", 0)]), ..case.asks(worker, 9) }).await;
    assert_eq!((batch.jobs.len(), batch.next_due), (0, Some(case.in_an_hour())));
}
