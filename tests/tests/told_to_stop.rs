//! What is recorded of a job that was told to stop: every cell of the table, by a worker's own hand.

use std::time::Duration;

use jobwork::{CancelReason, CancelSignal, JobContext, JobError, JobHandle, JobState, State, job};
use jobwork_tests::{Bench, Events};

/// What a job does when it is told to stop.
async fn behave(how: &str, work: u64, job: &JobContext, events: &Events) -> Result<u32, JobError> {
    let cancel = job.cancel_signal();
    events.push("started");
    if job.rescues() > 0 {
        return Ok(2); // the second worker's run, of a job whose lease was lost
    }
    match how {
        "never looks" => tokio::time::sleep(Duration::from_secs(work)).await,
        "overruns" => std::future::pending().await,
        "stops" => cancel.guard(std::future::pending()).await?,
        "breaks unseen" => {
            tokio::time::sleep(Duration::from_secs(work)).await;
            return Err(JobError::new("broke"));
        }
        _ => events.push(cancel.cancelled().await.to_string()),
    }
    match how {
        "looks, and is finished" => job.finished(),
        "looks, and breaks" => return Err(JobError::new("broke")),
        _ => {}
    }
    Ok(1)
}

#[job(retries = 1)]
async fn told(how: String, work: u64, job: JobContext, events: State<Events>) -> Result<u32, JobError> {
    behave(&how, work, &job, &events).await
}

#[job(retries = 1, timeout = "10s")]
async fn told_in_time(how: String, work: u64, job: JobContext, events: State<Events>) -> Result<u32, JobError> {
    behave(&how, work, &job, &events).await
}

/// Runs a job that behaves like this when told to stop for this reason; gives its state, its attempts, its output and
/// its story.
async fn told_because(reason: CancelReason, how: &str) -> (JobState, u32, Option<String>, Vec<String>) {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let id = match reason {
        CancelReason::Timeout => ToldInTime::dispatch(how, 11).on(&bench.jobs).await.unwrap().id(),
        CancelReason::Shutdown => Told::dispatch(how, 26).on(&bench.jobs).await.unwrap().id(),
        _ => Told::dispatch(how, 1).on(&bench.jobs).await.unwrap().id(),
    };
    bench.events.wait("started").await;
    match reason {
        CancelReason::Requested => drop(bench.jobs.cancel(id).await.unwrap()),
        CancelReason::LeaseLost => {
            bench.declare_dead().await;
            JobHandle::<Told>::new(id, bench.jobs.clone()).wait().await.unwrap();
        }
        CancelReason::Shutdown => drop(worker.stop_and_wait().await),
        _ => {}
    }
    if reason == CancelReason::Timeout || reason == CancelReason::Requested {
        wait_until_written(&bench).await;
    }
    if how.starts_with("looks") {
        assert_eq!(bench.events.count(&reason.to_string()), 1, "{:?}", bench.events.all());
    }
    worker.stop_and_wait().await;
    let job = bench.record(id).await;
    (job.state, job.attempt, job.output, bench.story(id).await)
}

/// Waits for the outcome of the one job there is.
async fn wait_until_written(bench: &Bench) {
    let written = async {
        loop {
            let counts = bench.jobs.inspect().unwrap().counts(bench.jobs.now()).await.unwrap();
            if counts.running == 0 {
                return;
            }
            tokio::task::yield_now().await;
            bench.events.wait_times("beat", bench.events.count("beat") + 1).await;
        }
    };
    written.await;
}

macro_rules! cells {
    ($($name:ident: $reason:ident, $how:literal => $state:ident, $attempt:literal, $output:expr, $story:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let output: Option<&str> = $output;
            let story: &[&str] = &$story;
            let (state, attempt, returned, told) = told_because(CancelReason::$reason, $how).await;
            assert_eq!((state, attempt, returned.as_deref()), (JobState::$state, $attempt, output));
            assert_eq!(told, story);
        }
    )*};
}

cells! {
    shutdown_ok_unseen_is_completed: Shutdown, "never looks" => Completed, 1, Some("1"), [];
    shutdown_ok_seen_is_handed_back: Shutdown, "looks" => Ready, 0, None, ["handed back"];
    shutdown_finished_is_completed: Shutdown, "looks, and is finished" => Completed, 1, Some("1"), [];
    shutdown_cancelled_is_handed_back: Shutdown, "stops" => Ready, 0, None, ["handed back"];
    shutdown_overrun_is_handed_back: Shutdown, "overruns" => Ready, 0, None, ["handed back"];
    shutdown_other_error_is_kept: Shutdown, "looks, and breaks" => Ready, 0, None, ["handed back: broke"];
    shutdown_other_error_unseen_is_kept: Shutdown, "breaks unseen" => Ready, 0, None, ["handed back: broke"];

    requested_ok_unseen_is_completed: Requested, "never looks" => Completed, 1, Some("1"), [];
    requested_ok_seen_is_cancelled: Requested, "looks" => Cancelled, 1, None, ["cancelled"];
    requested_finished_is_completed: Requested, "looks, and is finished" => Completed, 1, Some("1"), [];
    requested_cancelled_is_cancelled: Requested, "stops" => Cancelled, 1, None, ["cancelled"];
    requested_overrun_is_cancelled: Requested, "overruns" => Cancelled, 1, None, ["cancelled"];
    requested_other_error_is_kept: Requested, "looks, and breaks" => Cancelled, 1, None, ["cancelled: broke"];
    requested_other_error_unseen_is_kept: Requested, "breaks unseen" => Cancelled, 1, None, ["cancelled: broke"];

    timeout_ok_unseen_is_completed: Timeout, "never looks" => Completed, 1, Some("1"), [];
    timeout_ok_seen_is_failed: Timeout, "looks" => Scheduled, 1, None, ["failed: took longer than its timeout"];
    timeout_finished_is_completed: Timeout, "looks, and is finished" => Completed, 1, Some("1"), [];
    timeout_cancelled_is_failed: Timeout, "stops" => Scheduled, 1, None, ["failed: took longer than its timeout"];
    timeout_overrun_is_failed: Timeout, "overruns" => Scheduled, 1, None, ["failed: took longer than its timeout"];
    timeout_other_error_is_failed: Timeout, "looks, and breaks" =>
        Scheduled, 1, None, ["failed: took longer than its timeout"];

    lease_lost_ok_unseen_is_nothing: LeaseLost, "never looks" => Completed, 1, Some("2"), ["rescued"];
    lease_lost_ok_seen_is_nothing: LeaseLost, "looks" => Completed, 1, Some("2"), ["rescued"];
    lease_lost_finished_is_nothing: LeaseLost, "looks, and is finished" => Completed, 1, Some("2"), ["rescued"];
    lease_lost_cancelled_is_nothing: LeaseLost, "stops" => Completed, 1, Some("2"), ["rescued"];
    lease_lost_overrun_is_nothing: LeaseLost, "overruns" => Completed, 1, Some("2"), ["rescued"];
    lease_lost_other_error_is_nothing: LeaseLost, "looks, and breaks" => Completed, 1, Some("2"), ["rescued"];
}

#[job(retries = 1, timeout = "10s")]
async fn breaks_late(cancel: CancelSignal) -> Result<(), JobError> {
    cancel.cancelled().await;
    Err(JobError::new("the file was open"))
}

#[tokio::test(start_paused = true)]
async fn what_a_timed_out_job_returned_is_kept_beside_the_timeout() {
    let bench = Bench::new();
    let handle = BreaksLate::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    let failure = bench.history(handle.id()).await.remove(0).failure.unwrap();
    assert_eq!(failure.kind, jobwork::FailureKind::Timeout);
    assert_eq!(failure.detail.as_deref(), Some("then it returned: the file was open"));
}
