#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use super::ordered::ordered;
use super::unique::unique;
use crate::clock::after;
use crate::job::JobState::{Cancelled, Completed, Discarded, Ready, Running, Scheduled, Waiting};
use crate::job::{DeadReason, JobId, NewJob, Outcome, Unique};
use crate::store::{Claim, Store, Topic};

/// A job that expires a minute from now.
fn expiring(case: &Case) -> NewJob {
    NewJob { expires_at: Some(after(case.now, 60 * SECOND)), ..job() }
}

async fn assert_expired(case: &Case, id: JobId) {
    let job = case.record(id).await;
    assert_eq!((job.state, job.reason.as_deref()), (Discarded, Some("expired")));
    assert_eq!((job.finished_at, job.worker), (Some(case.now), None));
}

pub async fn an_expired_job_is_not_handed_out_but_discarded(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(expiring(&case)).await;
    case.pass(60 * SECOND);
    assert_eq!(case.claim(worker, 5).await, []);
    assert_expired(&case, id).await;
    assert_eq!((case.record(id).await.attempt, case.history(id).await.len()), (0, 0));
}

pub async fn a_job_is_handed_out_until_it_expires(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(expiring(&case)).await;
    case.pass(59 * SECOND);
    case.start(id, worker).await;
}

pub async fn expired_jobs_take_no_place_in_a_claim(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let expired = case.push(vec![expiring(&case); 3]).await;
    let live = case.push(jobs(2)).await;
    case.pass(HOUR);
    let claimed = case.claim(worker, 2).await;
    assert_eq!(claimed.iter().map(|job| job.lease.job).collect::<Vec<_>>(), live);
    assert_eq!(case.states(&expired).await, [Discarded; 3]);
}

pub async fn claims_get_past_thousands_of_expired_jobs(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push(vec![expiring(&case); 2_000]).await;
    let live = case.push_one(job()).await;
    case.pass(HOUR);
    for _ in 0..2_000 {
        let batch = case.claim_as(case.asks(worker, 1)).await;
        if let Some(job) = batch.jobs.first() {
            assert_eq!(job.lease.job, live);
            return;
        }
        assert!(batch.next_due.is_some_and(|due| due <= case.now), "the claim says that there may be more");
    }
    panic!("the job behind the expired ones is never claimed");
}

pub async fn an_expired_job_of_a_name_the_worker_lacks_hides_nothing(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push_one(NewJob { name: "rare".into(), ..expiring(&case) }).await;
    let id = case.push_one(job()).await;
    case.pass(HOUR);
    case.start(id, worker).await;
}

pub async fn a_job_that_nobody_claims_expires(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let id = case.push_one(NewJob { name: "unknown".into(), queue: "nobodys".into(), ..expiring(&case) }).await;
    case.pass(59 * SECOND);
    assert_eq!((case.expire(10).await, case.state(id).await), (0, Ready));
    case.pass(SECOND);
    assert_eq!(case.expire(10).await, 1);
    assert_expired(&case, id).await;
    assert_eq!(case.expire(10).await, 0);
}

pub async fn a_scheduled_job_can_expire_before_its_time(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let id = case.push_one(NewJob { run_at: Some(case.in_an_hour()), ..expiring(&case) }).await;
    case.pass(60 * SECOND);
    assert_eq!(case.expire(10).await, 1);
    assert_expired(&case, id).await;
}

pub async fn a_job_expires_before_its_retry(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for outcome in [failed(case.in_an_hour()), Outcome::Snoozed { until: case.in_an_hour() }, handed_back()] {
        let id = case.push_one(expiring(&case)).await;
        let lease = case.start(id, worker).await;
        case.settle(lease, outcome).await;
        case.pass(HOUR);
        assert_eq!(case.claim(worker, 1).await, []);
        assert_expired(&case, id).await;
    }
}

pub async fn a_running_job_does_not_expire(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(expiring(&case)).await;
    let lease = case.start(id, worker).await;
    case.pass(HOUR);
    assert_eq!((case.expire(10).await, case.state(id).await), (0, Running));
    case.settle(lease, completed("1")).await;
    assert_eq!((case.expire(10).await, case.state(id).await), (0, Completed));
}

pub async fn a_job_that_ended_does_not_expire(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for outcome in [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)] {
        let id = case.push_one(expiring(&case)).await;
        let lease = case.start(id, worker).await;
        case.settle(lease, outcome).await;
        ids.push(id);
    }
    let before = case.inspect().get(&ids, case.now).await.unwrap();
    case.pass(HOUR);
    assert_eq!(case.expire(10).await, 0);
    assert_eq!(case.inspect().get(&ids, case.now).await.unwrap(), before);
}

pub async fn the_rest_of_the_chain_is_cancelled_with_an_expired_member(store: Arc<dyn Store>) {
    for by_claim in [true, false] {
        let mut case = Case::new(Arc::clone(&store));
        let worker = case.join().await;
        let mut members = chain(3);
        members[0].expires_at = expiring(&case).expires_at;
        let ids = case.push(members).await;
        case.pass(HOUR);
        if by_claim {
            assert_eq!(case.claim(worker, 5).await, []);
        } else {
            assert_eq!(case.expire(5).await, 1);
        }
        assert_expired(&case, ids[0]).await;
        assert_eq!(case.states(&ids).await, [Discarded, Cancelled, Cancelled]);
        let why = format!("chain member {} was discarded: expired", ids[0]);
        assert_eq!(case.record(ids[2]).await.reason, Some(why));
    }
}

pub async fn a_waiting_member_expires_and_the_one_before_it_runs_on(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut members = chain(3);
    members[1].expires_at = expiring(&case).expires_at;
    let ids = case.push(members).await;
    let lease = case.start(ids[0], worker).await;
    assert_eq!(case.state(ids[1]).await, Waiting);
    case.pass(HOUR);
    assert_eq!(case.expire(5).await, 1);
    assert_eq!(case.states(&ids).await, [Running, Discarded, Cancelled]);
    case.settle(lease, completed("1")).await;
    assert_eq!(case.states(&ids).await, [Completed, Discarded, Cancelled]);
}

pub async fn a_chain_whose_members_all_expired_ends_with_the_first(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let expires_at = expiring(&case).expires_at;
    let ids = case.push(chain(3).into_iter().map(|job| NewJob { expires_at, ..job }).collect()).await;
    case.pass(HOUR);
    case.expire(5).await;
    assert_eq!(case.states(&ids).await, [Discarded, Cancelled, Cancelled]);
    assert_eq!(case.expire(5).await, 0);
}

pub async fn upkeep_ends_at_most_its_limit_those_first_that_expired_first(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let at = |second| NewJob { expires_at: Some(after(case.now, second * SECOND)), ..job() };
    let ids = case.push(vec![at(3), at(1), at(2)]).await;
    case.pass(HOUR);
    assert_eq!(case.expire(0).await, 0);
    assert_eq!(case.expire(2).await, 2);
    assert_eq!(case.states(&ids).await, [Ready, Discarded, Discarded]);
    assert_eq!(case.expire(2).await, 1);
}

pub async fn an_expired_job_retried_by_hand_runs(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(expiring(&case)).await;
    case.pass(HOUR);
    case.expire(1).await;
    assert!(case.retry(id).await);
    case.pass(HOUR);
    assert_eq!(case.expire(1).await, 0);
    case.start(id, worker).await;
    assert_eq!(case.record(id).await.expires_at, None);
}

pub async fn an_expired_chain_retried_by_hand_runs_to_its_end(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let expires_at = expiring(&case).expires_at;
    let ids = case.push(chain(3).into_iter().map(|job| NewJob { expires_at, ..job }).collect()).await;
    case.pass(HOUR);
    case.expire(5).await;
    assert!(case.retry(ids[0]).await);
    assert_eq!((case.expire(5).await, case.states(&ids).await), (0, vec![Ready, Waiting, Waiting]));
    for id in &ids {
        let lease = case.start(*id, worker).await;
        case.settle(lease, completed("1")).await;
    }
    assert_eq!(case.states(&ids).await, [Completed; 3]);
}

pub async fn a_retry_by_hand_keeps_the_times_that_have_not_passed(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let (early, late) = (Some(after(case.now, SECOND)), Some(case.in_an_hour()));
    for (expires_at, retry_until) in [(early, late), (late, early)] {
        let mut case = case.clone();
        let id = case.push_one(NewJob { expires_at, retry_until, ..job() }).await;
        let lease = case.start(id, worker).await;
        case.settle(lease, dead(DeadReason::OutOfTime)).await;
        case.pass(SECOND);
        assert!(case.retry(id).await);
        let job = case.record(id).await;
        let kept = |time: Option<_>| time.filter(|time| *time > case.now);
        assert_eq!((job.expires_at, job.retry_until), (kept(expires_at), kept(retry_until)));
        case.cancel(id).await;
    }
    case.pass(SECOND);
    let scheduled = case.push_one(NewJob { expires_at: late, ..due(case.in_an_hour()) }).await;
    assert_eq!(case.state(scheduled).await, Scheduled);
    assert!(case.retry(scheduled).await);
    assert_eq!(case.record(scheduled).await.expires_at, late);
}

pub async fn an_expiry_wakes_those_who_wait_for_results(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for by_claim in [true, false] {
        case.push_one(expiring(&case)).await;
        case.pass(HOUR);
        let mut wakeups = case.store.wakeups(Topic::Settled);
        wakeups.forget();
        if by_claim {
            case.claim(worker, 1).await;
        } else {
            case.expire(1).await;
        }
        wakeups.changed().await;
    }
}

pub async fn ageing_and_caps_hand_out_no_expired_job(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let expired = case.push_one(NewJob { priority: 9, ..expiring(&case) }).await;
    let live = case.push(jobs(2)).await;
    case.pass(HOUR);
    let claim = Claim { ageing: Some(SECOND), caps: caps(&[("default", 2)]), ..case.asks(worker, 5) };
    let claimed = case.claim_as(claim).await.jobs;
    assert_eq!(claimed.iter().map(|job| job.lease.job).collect::<Vec<_>>(), live);
    assert_expired(&case, expired).await;
}

pub async fn an_expired_job_gives_its_unique_key_back(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let keyed = |case: &Case| NewJob { expires_at: expiring(case).expires_at, ..unique(Unique::new("k")) };
    for by_claim in [true, false] {
        let id = case.push_one(keyed(&case)).await;
        assert_eq!(case.push_one(keyed(&case)).await, id);
        case.pass(HOUR);
        if by_claim {
            assert_eq!(case.claim(worker, 5).await, []);
        } else {
            assert_eq!(case.expire(5).await, 1);
        }
        assert_expired(&case, id).await;
        let next = case.push_one(keyed(&case)).await;
        assert_ne!(next, id);
        case.cancel(next).await;
    }
}

pub async fn an_expired_job_lets_the_next_of_its_ordered_key_go(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for expires in [true, false, true, false] {
        let expires_at = expiring(&case).expires_at.filter(|_| expires);
        ids.push(case.push_one(NewJob { expires_at, ..ordered("k") }).await);
    }
    case.pass(HOUR);
    let batch = case.claim_as(case.asks(worker, 1)).await;
    if batch.jobs.is_empty() {
        assert!(batch.next_due.is_some_and(|due| due <= case.now), "the claim says that there may be more");
        case.start(ids[1], worker).await;
    }
    case.expire(5).await;
    assert_eq!(case.states(&ids).await, [Discarded, Running, Discarded, Waiting]);
    case.pass(LEASE);
    case.cancel(ids[1]).await;
    case.rescue().await;
    assert_eq!(case.states(&ids).await, [Discarded, Cancelled, Discarded, Ready]);
}
