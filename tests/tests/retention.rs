//! Workers forget jobs that have ended and been kept long enough.

use std::time::Duration;

use jobwork::store::{Keep, Retention};
use jobwork::{JobError, JobState, WaitError, job};
use jobwork_tests::Bench;

const HOUR: Duration = Duration::from_secs(3600);

#[job(retries = 0)]
async fn answers() -> Result<u32, JobError> {
    Ok(42)
}

#[tokio::test(start_paused = true)]
async fn a_worker_forgets_in_steps_what_was_kept_long_enough() {
    let bench = Bench::new();
    let jobs = Answers::dispatch_many((0..2_300).map(|_| Answers::new())).on(&bench.jobs).await.unwrap();
    let kept = Answers::dispatch().retain(3 * HOUR).on(&bench.jobs).await.unwrap();
    let retention = Retention::forever().completed(Keep::for_time(HOUR));
    let worker = bench.app().retention(retention).spawn().await.unwrap();
    assert_eq!(jobs[0].wait().await.unwrap(), 42);
    kept.wait().await.unwrap();
    assert_eq!(bench.events.of(&["pruned"]), [""; 0]);
    tokio::time::advance(HOUR).await;
    bench.events.wait("pruned 300").await;
    assert_eq!(bench.events.of(&["pruned"]), ["pruned 1000", "pruned 1000", "pruned 300"]);
    assert_eq!(kept.wait().await.unwrap(), 42, "it says itself how long it is kept");
    assert!(matches!(jobs[0].wait().await, Err(WaitError::Gone { id }) if id == jobs[0].id()));
    tokio::time::advance(2 * HOUR).await;
    bench.events.wait("pruned 1").await;
    let error = kept.wait().await.unwrap_err().to_string();
    assert!(error.contains("not stored any more") && error.contains("`retain`"), "{error}");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_kept_for_no_time_leaves_nothing() {
    let bench = Bench::new();
    let job = Answers::dispatch().retain(Duration::ZERO).on(&bench.jobs).await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Ready);
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 1);
    assert!(matches!(job.wait().await, Err(WaitError::Gone { .. })));
}
