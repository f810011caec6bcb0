//! Jobs that block a thread.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use jobwork::store::WorkerState;
use jobwork::{CancelSignal, JobError, JobState, State, job};
use jobwork_tests::{Bench, Events};

/// A door that threads wait at.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let closed = self.0.1.wait_while(self.0.0.lock().unwrap(), |open| !*open);
        drop(closed.unwrap());
    }
}

#[job(retries = 0)]
fn computes(number: u32) -> Result<u32, String> {
    assert!(number != 13, "bad luck");
    if number == 4 { Err("four is death".to_owned()) } else { Ok(number * number) }
}

#[job(cleanup = "50ms")]
fn told(
    finished: bool,
    job: jobwork::JobContext,
    cancel: CancelSignal,
    events: State<Events>,
) -> Result<u32, JobError> {
    events.push("told starts");
    let reason = cancel.cancelled_blocking();
    events.push(format!("told: {reason}"));
    if finished {
        job.finished();
    }
    Ok(1)
}

#[job(cleanup = "50ms")]
fn oblivious(door: State<Door>, events: State<Events>) -> Result<u32, JobError> {
    events.push("oblivious starts");
    door.pass();
    events.push("oblivious ends");
    Ok(1)
}

/// Real time: tokio's clock does not advance by itself while a thread blocks.
fn app(bench: &Bench) -> jobwork::App {
    bench.app().state(Door::default()).shutdown_timeout(Duration::from_millis(20))
}

#[tokio::test]
async fn a_blocking_job_completes_fails_and_panics_like_any_other() {
    let bench = Bench::new();
    let mut jobs = Vec::new();
    for number in [3, 4, 13] {
        jobs.push(Computes::dispatch(number).on(&bench.jobs).await.unwrap());
    }
    app(&bench).run_until_empty().await.unwrap();
    assert_eq!(jobs[0].wait().await.unwrap(), 9);
    assert_eq!(bench.story(jobs[1].id()).await, ["dead: four is death"]);
    assert_eq!(bench.story(jobs[2].id()).await, ["dead: panicked: bad luck"]);
    let failure = bench.history(jobs[2].id()).await.remove(0).failure.unwrap();
    assert!(failure.detail.unwrap().contains("blocking.rs"));
}

#[tokio::test]
async fn it_is_told_to_stop_by_a_blocking_wait() {
    let bench = Bench::new();
    let worker = app(&bench).blocking_threads(2).spawn().await.unwrap();
    let stopped = Told::dispatch(false).on(&bench.jobs).await.unwrap();
    let finished = Told::dispatch(true).on(&bench.jobs).await.unwrap();
    bench.events.wait_times("told starts", 2).await;
    let report = worker.stop_and_wait().await;
    assert_eq!((report.completed, report.handed_back), (1, vec![stopped.id()]));
    assert_eq!(stopped.status().await.unwrap(), JobState::Ready);
    assert_eq!(finished.status().await.unwrap(), JobState::Completed);
    assert_eq!(bench.events.count("told: shutdown"), 2);
}

#[tokio::test]
async fn one_that_is_cancelled_is_told_at_once() {
    let bench = Bench::new();
    let worker = app(&bench).spawn().await.unwrap();
    let job = Told::dispatch(false).on(&bench.jobs).await.unwrap();
    bench.events.wait("told starts").await;
    job.cancel().await.unwrap();
    bench.events.wait("told cancelled").await;
    assert_eq!(job.status().await.unwrap(), JobState::Cancelled);
    worker.stop_and_wait().await;
}

#[tokio::test]
async fn one_that_ignores_its_signal_is_handed_back_and_its_late_return_changes_nothing() {
    let bench = Bench::new();
    let door = Door::default();
    let worker = app(&bench).state(door.clone()).spawn().await.unwrap();
    let job = Oblivious::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("oblivious starts").await;
    let report = worker.stop_and_wait().await;
    assert_eq!(report.handed_back, [job.id()]);
    let before = job.record().await.unwrap();
    assert_eq!((before.state, before.attempt), (JobState::Ready, 0));
    door.open();
    bench.events.wait("oblivious ends").await;
    assert_eq!(job.record().await.unwrap(), before);
    assert_eq!(app(&bench).state(door).run_until_empty().await.unwrap().completed, 1);
}

#[tokio::test]
async fn blocking_jobs_do_not_keep_async_ones_waiting_nor_the_other_way_round() {
    #[job]
    async fn opens(door: State<Door>) {
        door.open();
    }
    let bench = Bench::new();
    Oblivious::dispatch_many(std::iter::repeat_with(Oblivious::new).take(5)).on(&bench.jobs).await.unwrap();
    Opens::dispatch().on(&bench.jobs).await.unwrap();
    let report = app(&bench).concurrency(1).blocking_threads(1).run_until_empty().await.unwrap();
    assert_eq!(report.completed, 6);
}

#[tokio::test]
async fn no_more_run_at_a_time_than_there_are_threads() {
    let bench = Bench::new();
    let door = Door::default();
    Oblivious::dispatch_many(std::iter::repeat_with(Oblivious::new).take(5)).on(&bench.jobs).await.unwrap();
    let worker = app(&bench).state(door.clone()).blocking_threads(2).spawn().await.unwrap();
    bench.events.wait_times("oblivious starts", 2).await;
    bench.events.wait_times("beat", bench.events.count("beat") + 1).await;
    assert_eq!((bench.events.count("oblivious starts"), worker.running()), (2, 2));
    door.open();
    bench.events.wait_times("oblivious completed", 5).await;
    worker.stop_and_wait().await;
}

#[tokio::test]
async fn a_blocking_job_that_times_out_fails_and_frees_its_slot() {
    #[job(timeout = "20ms", cleanup = "20ms", retries = 0)]
    fn slow(door: State<Door>, events: State<Events>) {
        events.push("slow starts");
        door.pass();
    }
    let bench = Bench::new();
    let door = Door::default();
    let slow = Slow::dispatch().on(&bench.jobs).await.unwrap();
    let worker = app(&bench).state(door.clone()).blocking_threads(1).spawn().await.unwrap();
    bench.events.wait("slow dead").await;
    let next = Computes::dispatch(2).on(&bench.jobs).await.unwrap();
    assert_eq!(next.wait().await.unwrap(), 4);
    door.open();
    worker.stop_and_wait().await;
    assert_eq!(bench.story(slow.id()).await, ["dead: took longer than its timeout"]);
}

#[tokio::test]
async fn it_dispatches_on_the_store_of_its_worker() {
    #[job]
    fn parent() -> jobwork::Result<()> {
        tokio::runtime::Handle::current().block_on(async { Computes::dispatch(5).await }).map(drop)
    }
    let (bench, other) = (Bench::new(), Bench::new());
    other.jobs.make_default();
    Parent::dispatch().on(&bench.jobs).await.unwrap();
    assert_eq!(app(&bench).run_until_empty().await.unwrap().completed, 2);
    assert!(other.events.all().is_empty());
}

#[tokio::test]
async fn a_worker_that_drains_waits_for_the_blocking_job() {
    let bench = Bench::new();
    let door = Door::default();
    let grace = Duration::from_secs(60);
    let worker = app(&bench).state(door.clone()).shutdown_timeout(grace).spawn().await.unwrap();
    Oblivious::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("oblivious starts").await;
    worker.stop();
    worker.wait_for(WorkerState::Draining).await;
    door.open();
    assert_eq!(worker.stopped().await.completed, 1);
}
