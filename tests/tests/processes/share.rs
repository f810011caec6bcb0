use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jobwork::store::CancelAnswer;
use jobwork::{JobState, Jobs, WaitError};
use jobwork_tests::signalled::{Counted, Polite};
use rustix::process::Signal;

use super::process::{LIMIT, Process};
use super::store::Store;

const JOBS: u32 = 2_000;

#[tokio::test]
async fn one_process_dispatches_and_two_work_and_each_job_runs_once() {
    let store = Store::new().await;
    let mut workers = [Process::worker(&store, &[]), Process::worker(&store, &[])];
    let mut dispatcher = Process::start(&store, &[&format!("dispatch={JOBS}")]);
    let all = async |jobs: &Jobs| {
        let counts = jobs.inspect().unwrap().counts(jobs.now()).await.unwrap();
        (counts.completed == u64::from(JOBS)).then_some(counts)
    };
    let counts = store.until(all).await;
    assert_eq!(counts.open(), 0);
    assert!(dispatcher.exited().success());
    assert_eq!(dispatcher.errors(), "");
    let mut ran = Vec::new();
    let mut completed = 0;
    for worker in &mut workers {
        worker.signal(Signal::TERM);
        completed += worker.report().completed;
        assert_eq!(worker.errors(), "");
        ran.extend(worker.seen().iter().filter_map(|line| line.strip_prefix("ran ")?.parse::<u32>().ok()));
    }
    assert_eq!((ran.len(), completed), (JOBS as usize, u64::from(JOBS)));
    assert_eq!(BTreeSet::from_iter(ran), (0..JOBS).collect());
}

#[tokio::test]
async fn a_cancel_reaches_a_job_in_another_process_within_a_second() {
    let store = Store::new().await;
    let job = store.dispatch(Polite::dispatch("a")).await;
    let mut worker = Process::worker(&store, &[]);
    worker.expect("started a");
    let asked = Instant::now();
    assert_eq!(job.cancel().await.unwrap(), CancelAnswer::Requested);
    worker.expect("signal a requested");
    assert!(asked.elapsed() < Duration::from_secs(1), "after {:?}", asked.elapsed());
    let ended = tokio::time::timeout(LIMIT, job.wait()).await.unwrap();
    assert!(matches!(ended, Err(WaitError::Cancelled { .. })), "{ended:?}");
    worker.signal(Signal::TERM);
    worker.report().assert_clean(0);
}

#[tokio::test]
async fn a_dispatch_wakes_an_idle_worker_in_another_process() {
    let store = Store::new().await;
    let mut worker = Process::worker(&store, &[]);
    let mut waits = Vec::new();
    for number in 0..50 {
        let job = store.dispatch(Counted::dispatch(number)).await;
        let dispatched = Instant::now();
        worker.expect(&format!("ran {number}"));
        waits.push(dispatched.elapsed());
        // Idle again, when the outcome is written.
        let done = async |_: &Jobs| (job.status().await.unwrap() == JobState::Completed).then_some(());
        store.until(done).await;
    }
    waits.sort();
    println!("picked up after {:?} (median), {:?} (longest)", waits[25], waits[49]);
}
