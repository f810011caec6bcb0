//! A job's time limit.

use std::time::Duration;

use jobwork::{CancelSignal, Cancelled, FailureKind, JobState, State, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

#[job(timeout = "10s", cleanup = "4s", retries = 1, backoff = "1s")]
async fn limited(seconds: u64, events: State<Events>) {
    events.push("limited starts");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    events.push("limited ends");
}

#[job(timeout = "10s", retries = 1)]
async fn obeys(cancel: CancelSignal, events: State<Events>) -> Result<(), Cancelled> {
    events.push("obeys starts");
    let reason = cancel.cancelled().await;
    events.push(format!("told: {reason}"));
    cancel.check()
}

#[tokio::test(start_paused = true)]
async fn a_job_within_its_limit_is_not_disturbed() {
    let bench = Bench::new();
    let job = Limited::dispatch(9).on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Completed);
}

#[tokio::test(start_paused = true)]
async fn the_signal_fires_at_the_limit_with_its_reason() {
    let bench = Bench::new();
    let job = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("obeys starts").await;
    let begun = Instant::now();
    bench.events.wait("told: timeout").await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    worker.stop_and_wait().await;
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!((failure.kind, failure.detail), (FailureKind::Timeout, None));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_overruns_its_cleanup_too_is_dropped_and_retried() {
    let bench = Bench::new();
    let job = Limited::dispatch(60).on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("limited starts").await;
    let begun = Instant::now();
    bench.events.wait("limited failed").await;
    assert_eq!(begun.elapsed().as_secs(), 14);
    job.wait().await.unwrap_err();
    worker.stop_and_wait().await;
    assert_eq!((bench.events.count("limited starts"), bench.events.count("limited ends")), (2, 0));
    assert_eq!(job.status().await.unwrap(), JobState::Dead);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_the_whole_limit() {
    let bench = Bench::new();
    Limited::dispatch(60).on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait_times("limited starts", 2).await;
    let begun = Instant::now();
    bench.events.wait("limited dead").await;
    assert_eq!(begun.elapsed().as_secs(), 14);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_does_not_count() {
    let bench = Bench::new();
    for _ in 0..3 {
        Limited::dispatch(8).on(&bench.jobs).await.unwrap();
    }
    assert_eq!(bench.app().concurrency(1).run_until_empty().await.unwrap().completed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_during_the_grace_time_of_a_stop_is_a_timeout() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("obeys starts").await;
    worker.stop_and_wait().await;
    assert_eq!(bench.story(job.id()).await, ["failed: took longer than its timeout"]);
}
