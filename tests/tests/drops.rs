//! What a job leaves behind is dropped by its worker, and a panic in that drop is no reason to lose or repeat the job.

use std::fmt;
use std::time::Duration;

use jobwork::{CancelReason, CancelSignal, JobState, State, job};
use jobwork_tests::{Bench, Events};

/// Panics when it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of order")
    }
}

impl std::error::Error for Bomb {}

#[job(retries = 0)]
async fn fails_with_a_bomb() -> Result<(), Bomb> {
    Err(Bomb)
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_drop_panics_is_recorded_like_any_other() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = FailsWithABomb::dispatch().on(&bench.jobs).await.unwrap();
    job.wait().await.unwrap_err();
    assert_eq!(bench.story(job.id()).await, ["dead: out of order"]);
    worker.stop_and_wait().await;
}

#[job(retries = 1, backoff = "1s")]
async fn panics_with_a_bomb() {
    std::panic::panic_any(Bomb);
}

#[tokio::test(start_paused = true)]
async fn a_panic_whose_payload_panics_when_dropped_is_one_failed_attempt() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = PanicsWithABomb::dispatch().on(&bench.jobs).await.unwrap();
    job.wait().await.unwrap_err();
    assert_eq!(bench.story(job.id()).await, ["failed: panicked: (no message)", "dead: panicked: (no message)"]);
    worker.stop_and_wait().await;
}

#[job(retries = 0)]
async fn ends_with_a_bomb() {
    let _bomb = Bomb;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_as_it_drops_what_it_has_failed() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = EndsWithABomb::dispatch().on(&bench.jobs).await.unwrap();
    job.wait().await.unwrap_err();
    assert_eq!(bench.story(job.id()).await, ["dead: panicked: dropped"]);
    worker.stop_and_wait().await;
}

#[job(retries = 0, timeout = "1s", cleanup = "1s")]
async fn overruns_with_a_bomb(stop: CancelSignal) {
    let _bomb = Bomb;
    assert_eq!(stop.cancelled().await, CancelReason::Timeout);
    std::future::pending::<()>().await;
}

#[job]
async fn goes_on(events: State<Events>) {
    events.push("went on");
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_future_panics_as_it_is_dropped_takes_no_slot_with_it() {
    let bench = Bench::new();
    let worker = bench.app().concurrency(1).spawn().await.unwrap();
    let overruns = OverrunsWithABomb::dispatch().on(&bench.jobs).await.unwrap();
    overruns.wait().await.unwrap_err();
    GoesOn::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("went on").await;
    assert_eq!(overruns.status().await.unwrap(), JobState::Dead);
    let stopped = tokio::time::timeout(Duration::from_secs(60), worker.stop_and_wait()).await;
    assert!(stopped.unwrap().abandoned.is_empty());
}
