//! Cancelling jobs that wait and jobs that run, and what a job sees of it.

use std::time::Duration;

use jobwork::store::CancelAnswer;
use jobwork::{CancelSignal, Cancelled, JobState, State, WaitError, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

#[job]
async fn obeys(cancel: CancelSignal, events: State<Events>) -> Result<(), Cancelled> {
    events.push("obeys starts");
    cancel.guard(std::future::pending()).await
}

/// Writes down everything the signal says.
#[job(cleanup = "7s")]
async fn inspects(cancel: CancelSignal, events: State<Events>) -> Result<(), Cancelled> {
    events.push(format!("before: {} {:?}", cancel.is_cancelled(), cancel.reason()));
    let token = cancel.token();
    token.cancelled().await;
    let left = cancel.deadline().unwrap() - Instant::now().into_std();
    events.push(format!("after: {} {:?}, {} s", cancel.is_cancelled(), cancel.reason().unwrap(), left.as_secs()));
    cancel.check()
}

#[tokio::test(start_paused = true)]
async fn a_running_job_in_the_same_process_is_told_at_once() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("obeys starts").await;
    tokio::time::advance(Duration::from_millis(300)).await;
    let begun = Instant::now();
    assert_eq!(job.cancel().await.unwrap(), CancelAnswer::Requested);
    bench.events.wait("obeys cancelled").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(job.status().await.unwrap(), JobState::Cancelled);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn ready_and_scheduled_jobs_are_cancelled_in_the_store() {
    let bench = Bench::new();
    let ready = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    let scheduled = Obeys::dispatch().delay(Duration::from_secs(60)).on(&bench.jobs).await.unwrap();
    for job in [ready, scheduled] {
        assert_eq!(job.cancel().await.unwrap(), CancelAnswer::Cancelled);
        assert_eq!(job.status().await.unwrap(), JobState::Cancelled);
        assert!(matches!(job.wait().await, Err(WaitError::Cancelled { .. })));
        assert_eq!(job.cancel().await.unwrap(), CancelAnswer::Ended);
    }
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 0);
}

#[tokio::test(start_paused = true)]
async fn only_the_cancelled_job_is_told() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let one = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    let other = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait_times("obeys starts", 2).await;
    one.cancel().await.unwrap();
    bench.events.wait("obeys cancelled").await;
    assert_eq!((other.status().await.unwrap(), worker.running()), (JobState::Running, 1));
    worker.stop_now();
    worker.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn the_signal_tells_all_that_there_is_to_know() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Inspects::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("before: false None").await;
    job.cancel().await.unwrap();
    bench.events.wait("after: true Requested, 7 s").await;
    worker.stop_and_wait().await;
    assert_eq!(job.status().await.unwrap(), JobState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_that_is_oblivious_is_dropped_after_its_cleanup_time() {
    struct Dropped(Events);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.push("dropped");
        }
    }
    #[job(cleanup = "8s")]
    async fn oblivious(events: State<Events>) {
        let _dropped = Dropped(Events::clone(&events));
        events.push("oblivious starts");
        std::future::pending::<()>().await;
    }
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Oblivious::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("oblivious starts").await;
    let begun = Instant::now();
    job.cancel().await.unwrap();
    bench.events.wait("dropped").await;
    assert_eq!(begun.elapsed().as_secs(), 8);
    bench.events.assert_order(&["oblivious cancelled", "dropped"]);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_reason_stands_when_a_stop_follows_a_cancel() {
    #[job]
    async fn slow_to_stop(cancel: CancelSignal, events: State<Events>) -> Result<(), Cancelled> {
        events.push("slow starts");
        cancel.cancelled().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        cancel.check()
    }
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = SlowToStop::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("slow starts").await;
    job.cancel().await.unwrap();
    worker.stop_now();
    worker.stopped().await;
    assert_eq!(job.status().await.unwrap(), JobState::Cancelled);
}

/// A job that was cancelled is not handed back, whatever told it to stop first.
#[tokio::test(start_paused = true)]
async fn a_cancel_that_comes_while_the_job_is_handed_back_is_kept() {
    #[job(cleanup = "2s")]
    async fn never_looks(events: State<Events>) {
        events.push("never looks");
        std::future::pending::<()>().await;
    }
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = NeverLooks::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("never looks").await;
    worker.stop_now();
    worker.wait_for(jobwork::store::WorkerState::Cancelling).await;
    job.cancel().await.unwrap();
    worker.stopped().await;
    assert_eq!(job.status().await.unwrap(), JobState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_can_be_retried_by_hand() {
    let bench = Bench::new();
    let job = Obeys::dispatch().on(&bench.jobs).await.unwrap();
    job.cancel().await.unwrap();
    assert!(job.retry().await.unwrap());
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("obeys starts").await;
    assert!(!job.retry().await.unwrap());
    worker.stop_now();
    worker.stopped().await;
}
