use std::pin::pin;
use std::time::Duration;

use jobwork::{JobHandle, JobState, Jobs};
use jobwork_tests::signalled::{Blind, Polite, Seizing};
use rustix::process::Signal;
use tokio::time::timeout;

use super::process::Process;
use super::store::{Store, result, words, workers};

const SHORT: &str = "lease=1000";

/// The worker that an event of a job's start names.
fn worker_of(started: &str) -> &str {
    started.rsplit(' ').next().unwrap()
}

/// Stops a process that isn't writing just then: one that is would keep the file locked.
async fn stop_between_writes(process: &Process, running: &JobHandle<Polite>) {
    loop {
        process.signal(Signal::STOP);
        // Changes nothing, but must write to know it.
        let mut write = pin!(running.retry());
        if let Ok(answer) = timeout(Duration::from_secs(1), &mut write).await {
            return assert!(!answer.unwrap());
        }
        process.signal(Signal::CONT);
        write.await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_that_was_stopped_for_longer_than_its_lease_lets_go_and_begins_anew() {
    let store = Store::new().await;
    let x = store.dispatch(Polite::dispatch("x")).await;
    let z = store.dispatch(Blind::dispatch("z")).await;
    let mut stopped = Process::worker(&store, &[SHORT]);
    let old = stopped.expect("started x");
    stopped.expect("started z");
    stop_between_writes(&stopped, &x).await;
    // As many slots as there are jobs to rescue, so that the next job is the other worker's.
    let mut other = Process::worker(&store, &["slots=2"]);
    other.expect("started x");
    other.expect("started z");
    stopped.release("z");
    stopped.signal(Signal::CONT);
    stopped.expect("signal x lease lost");
    stopped.expect("returned z");
    let y = store.dispatch(Polite::dispatch("y")).await;
    let new = stopped.expect("started y");
    assert_ne!(worker_of(&old), worker_of(&new));
    stopped.release("y");
    result(&y).await;
    stopped.signal(Signal::TERM);
    stopped.report().assert_clean(1);
    for record in [x.record().await.unwrap(), z.record().await.unwrap()] {
        assert_eq!((record.state, record.attempt, record.rescues), (JobState::Running, 1, 1));
    }
    other.release("all");
    result(&x).await;
    result(&z).await;
    assert_eq!((words(&store, &x).await, words(&store, &z).await), (vec!["rescued".into()], vec!["rescued".into()]));
    other.signal(Signal::TERM);
    other.report().assert_clean(2);
}

#[tokio::test]
async fn a_worker_that_wakes_from_a_long_stop_does_not_take_itself_for_dead() {
    let store = Store::new().await;
    let job = store.dispatch(Polite::dispatch("a")).await;
    let mut worker = Process::worker(&store, &[SHORT]);
    worker.expect("started a");
    for _ in 0..3 {
        worker.signal(Signal::STOP);
        let expired = async |jobs: &Jobs| {
            let worker = workers(jobs).await.remove(0);
            (worker.expires_at < jobs.now()).then_some(worker.last_beat)
        };
        let last_beat = store.until(expired).await;
        worker.signal(Signal::CONT);
        let beats = async |jobs: &Jobs| (workers(jobs).await.first()?.last_beat > last_beat).then_some(());
        store.until(beats).await;
    }
    worker.release("a");
    result(&job).await;
    assert!(!worker.has_seen("signal a"));
    assert_eq!(job.record().await.unwrap().rescues, 0);
}

#[tokio::test]
async fn jobs_that_block_every_async_thread_do_not_cost_the_lease() {
    let store = Store::new().await;
    let a = store.dispatch(Seizing::dispatch("a")).await;
    let b = store.dispatch(Seizing::dispatch("b")).await;
    let mut blocked = Process::worker(&store, &[SHORT, "threads=2"]);
    blocked.expect("started a");
    blocked.expect("started b");
    let mut other = Process::worker(&store, &[]);
    let start = store.jobs.now();
    let three_leases_later = async |jobs: &Jobs| {
        let pid = blocked.id();
        let worker = workers(jobs).await.into_iter().find(|worker| worker.info.pid == pid)?;
        (worker.last_beat > start + Duration::from_secs(3)).then_some(())
    };
    store.until(three_leases_later).await;
    blocked.release("all");
    result(&a).await;
    result(&b).await;
    for job in [a, b] {
        assert_eq!(job.record().await.unwrap().rescues, 0);
    }
    other.signal(Signal::TERM);
    other.report().assert_clean(0);
}
