#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use super::case::*;
use super::ordered::ordered;
use super::unique::unique;
use crate::Error;
use crate::job::{JobId, JobState, NewJob, OnConflict, Unique, Wait};
use crate::store::{CancelAnswer, Cause, Push, Pushed, Settled, Store};

const TASKS: usize = 8;

/// Does the same from several tasks at once, and collects what each returned.
async fn at_once<T, F>(case: &Case, what: impl Fn(Case, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(tokio::sync::Barrier::new(TASKS));
    let spawn = |task| {
        let (barrier, work) = (barrier.clone(), what(case.clone(), task));
        tokio::spawn(async move {
            barrier.wait().await;
            work.await
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Claims and completes until nothing is ready, and says what was claimed.
async fn drain(case: Case, limit: usize) -> Vec<JobId> {
    let worker = case.join().await;
    let mut done = Vec::new();
    loop {
        let claimed = case.claim(worker, limit).await;
        if claimed.is_empty() {
            return done;
        }
        for job in claimed {
            case.settle(job.lease, completed("1")).await;
            done.push(job.lease.job);
        }
    }
}

pub async fn claimers_at_once_never_share_a_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let pushed: BTreeSet<JobId> = case.push(jobs(400)).await.into_iter().collect();
    let done: Vec<JobId> = at_once(&case, |case, task| drain(case, task + 1)).await.concat();
    assert_eq!((done.len(), done.into_iter().collect::<BTreeSet<_>>()), (400, pushed));
    assert_eq!(case.inspect().counts(case.now).await.unwrap().completed, 400);
}

pub async fn dispatchers_at_once_lose_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let push = |case: Case, _| async move {
        let mut ids = Vec::new();
        for size in 1..=10 {
            ids.extend(case.push(jobs(size)).await);
        }
        ids
    };
    let ids: BTreeSet<JobId> = at_once(&case, push).await.into_iter().flatten().collect();
    assert_eq!(ids.len(), TASKS * 55);
    assert_eq!(case.inspect().counts(case.now).await.unwrap().ready, ids.len() as u64);
}

pub async fn dispatchers_and_claimers_at_once_run_each_job_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let both = |case: Case, task: usize| async move {
        if task.is_multiple_of(2) {
            for _ in 0..25 {
                case.push(chain(2)).await;
            }
            Vec::new()
        } else {
            drain(case, 3).await
        }
    };
    let mut done: Vec<JobId> = at_once(&case, both).await.concat();
    done.extend(drain(case.clone(), 100).await);
    let all = TASKS / 2 * 50;
    assert_eq!((done.len(), done.into_iter().collect::<BTreeSet<_>>().len()), (all, all));
}

pub async fn of_outcomes_at_once_one_is_written(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(2)).await;
    let lease = case.start(ids[0], case.join().await).await;
    let finish = |case: Case, task: usize| async move { case.finish(lease, completed(&task.to_string())).await };
    let settled = at_once(&case, finish).await;
    assert_eq!(settled.iter().filter(|settled| **settled == Settled::Stored).count(), 1);
    let winner = settled.iter().position(|settled| *settled == Settled::Stored).unwrap();
    assert_eq!(case.record(ids[1]).await.args, format!(r#"{{"input":{winner}}}"#));
}

pub async fn a_job_awaiting_many_is_released_once_when_they_end_at_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let waits = (0..TASKS).map(|on| Wait { on, slot: Some(format!("from_{on}")) }).collect();
    let mut push = jobs(TASKS);
    push.push(NewJob { waits, ..job() });
    let ids = case.push(push).await;
    let worker = case.join().await;
    let claimed = case.claim(worker, TASKS).await;
    let finish = |case: Case, task: usize| {
        let lease = claimed[task].lease;
        async move { case.settle(lease, completed("1")).await }
    };
    at_once(&case, finish).await;
    let released = case.claim(worker, 9).await;
    assert_eq!((released.len(), released[0].lease.job), (1, ids[TASKS]));
    let args: serde_json::Value = serde_json::from_str(&released[0].args).unwrap();
    assert_eq!(args.as_object().map(serde_json::Map::len), Some(TASKS));
}

pub async fn rescuers_at_once_rescue_a_job_once(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.push(jobs(20)).await;
    case.claim(worker, 20).await;
    case.pass(LEASE);
    let rescued = at_once(&case, |case, _| async move { case.rescue().await }).await.concat();
    assert_eq!((rescued.len(), rescued.iter().collect::<BTreeSet<_>>().len()), (20, 20));
    for job in rescued {
        let record = case.record(job).await;
        assert_eq!((record.state, record.rescues, record.attempt), (JobState::Ready, 1, 0));
    }
}

pub async fn of_retries_at_once_one_does_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.settle(lease, discarded()).await;
    let retried = at_once(&case, |case, _| async move { case.retry(lease.job).await }).await;
    assert_eq!(retried.into_iter().filter(|retried| *retried).count(), 1);
}

pub async fn of_cancels_at_once_one_does_it(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let job = case.push_one(job()).await;
    let answers = at_once(&case, |case, _| async move { case.cancel(job).await }).await;
    assert_eq!(answers.iter().filter(|answer| **answer == CancelAnswer::Cancelled).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == CancelAnswer::Ended).count(), TASKS - 1);
}

pub async fn a_job_claimed_and_cancelled_at_once_is_one_or_the_other(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(jobs(40)).await;
    let work = |case: Case, task: usize| {
        let ids = ids.clone();
        async move {
            if task.is_multiple_of(2) {
                return drain(case, 2).await;
            }
            for id in ids.iter().skip(task / 2).step_by(4) {
                case.cancel(*id).await;
            }
            Vec::new()
        }
    };
    let done: BTreeSet<JobId> = at_once(&case, work).await.into_iter().flatten().collect();
    for id in ids {
        let expected = if done.contains(&id) { JobState::Completed } else { JobState::Cancelled };
        assert_eq!(case.state(id).await, expected);
    }
}

pub async fn dispatchers_of_one_key_at_once_make_one_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let push = |case: Case, _| async move {
        let mut stored = Vec::new();
        for round in 0..20 {
            let new = unique(Unique::new(format!("k{round}")));
            stored.push(case.push_all(Push::of(vec![job(), new], case.now)).await.jobs[1]);
        }
        stored
    };
    let tasks: Vec<Vec<Pushed>> = at_once(&case, push).await;
    for round in 0..20 {
        let stored: Vec<Pushed> = tasks.iter().map(|task| task[round]).collect();
        assert_eq!(stored.iter().filter(|stored| stored.is_new()).count(), 1);
        assert_eq!(stored.iter().map(|stored| stored.id()).collect::<BTreeSet<_>>().len(), 1);
    }
    assert_eq!(case.inspect().counts(case.now).await.unwrap().ready, 20 + 20 * TASKS as u64);
}

pub async fn a_refused_dispatch_leaves_those_beside_it_alone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(unique(Unique::new("k"))).await;
    let push = |case: Case, task: usize| async move {
        let strict = unique(Unique::new("k").on_conflict(OnConflict::Error));
        let (mut stored, mut refused) = (0, 0);
        for _ in 0..20 {
            let more = if task.is_multiple_of(2) { vec![job(), strict.clone()] } else { vec![job()] };
            match case.store.push(Push::of(more, case.now)).await {
                Ok(_) => stored += 1,
                Err(Error::Duplicate { existing, .. }) => {
                    assert_eq!(existing, Some(first));
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        (stored, refused)
    };
    let all = at_once(&case, push).await.into_iter().fold((0, 0), |sum, task| (sum.0 + task.0, sum.1 + task.1));
    assert_eq!(all, (10 * TASKS, 10 * TASKS));
    assert_eq!(case.inspect().counts(case.now).await.unwrap().ready, 1 + 10 * TASKS as u64);
}

pub async fn a_key_changes_hands_between_dispatchers_and_claimers_at_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let both = |case: Case, task: usize| async move {
        let (worker, mut made) = (case.join().await, 0);
        for _ in 0..50 {
            if task.is_multiple_of(2) {
                made += usize::from(
                    case.push_all(Push::of(vec![unique(Unique::new("k"))], case.now)).await.jobs[0].is_new(),
                );
                assert!(case.inspect().counts(case.now).await.unwrap().open() <= 1);
            } else {
                for job in case.claim(worker, 9).await {
                    case.settle(job.lease, completed("1")).await;
                }
            }
        }
        made
    };
    let made: usize = at_once(&case, both).await.into_iter().sum();
    drain(case.clone(), 9).await;
    assert_eq!(case.inspect().counts(case.now).await.unwrap().completed, made as u64);
}

pub async fn jobs_of_one_order_never_run_together(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let both = |case: Case, task: usize| async move {
        let (worker, mut done) = (case.join().await, Vec::new());
        for round in 0..25 {
            match task % 4 {
                0 => drop(case.push(vec![ordered("k"); 2]).await),
                1 if round % 5 == 0 => {
                    let failed = case.inspect().list(&crate::store::Filter::default(), case.now).await.unwrap();
                    for job in failed {
                        case.retry(job.id).await;
                    }
                }
                1 => drop(case.cancel(case.push_one(ordered("k")).await).await),
                _ => {
                    let claimed = case.claim(worker, 9).await;
                    assert!(claimed.len() <= 1);
                    for job in claimed {
                        assert_eq!(case.inspect().counts(case.now).await.unwrap().running, 1);
                        case.settle(job.lease, completed("1")).await;
                        done.push(job.lease.job);
                    }
                }
            }
        }
        done
    };
    let mut done: BTreeSet<JobId> = at_once(&case, both).await.into_iter().flatten().collect();
    done.extend(drain(case.clone(), 9).await);
    let counts = case.inspect().counts(case.now).await.unwrap();
    assert_eq!((counts.open(), counts.completed), (0, done.len() as u64), "everybody had a turn");
}

pub async fn a_tick_seen_by_many_at_once_stores_its_jobs_once(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    let tick = Cause::Tick(case.in_an_hour());
    let stored = at_once(&case, |case, _| async move { case.fire(tick).await }).await;
    assert_eq!(stored.into_iter().flatten().count(), 1);
    assert_eq!(case.inspect().counts(case.now).await.unwrap().ready, 1);
}
