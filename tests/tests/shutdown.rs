//! The order of a stop, step by step.

use std::time::Duration;

use jobwork::store::WorkerState;
use jobwork::{CancelSignal, Cancelled, JobContext, JobState, Jobs, State, StopReason, WorkerHandle, job};
use jobwork_tests::{Bench, Events, Verb};
use tokio::time::Instant;

/// Writes down when it is dropped.
struct Dropped(Events, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.push(self.1);
    }
}

#[job]
async fn work_for(millis: u64, events: State<Events>) {
    events.push("working");
    tokio::time::sleep(Duration::from_millis(millis)).await;
    events.push("worked");
}

/// Cleans up for as long as it is let.
#[job]
async fn oblivious(events: State<Events>) {
    let _dropped = Dropped(Events::clone(&events), "oblivious dropped");
    events.push("oblivious starts");
    std::future::pending::<()>().await;
}

#[job(cleanup = "10s")]
async fn slow_cleaner(seconds: u64, cancel: CancelSignal, events: State<Events>) -> Result<(), Cancelled> {
    events.push("cleaner starts");
    let reason = cancel.cancelled().await;
    events.push(format!("cleaner told: {reason}"));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    events.push("cleaned");
    cancel.check()
}

#[job]
async fn quick(events: State<Events>) {
    events.push("quick ran");
}

/// Writes down the worker's states, from this one to the last.
fn states_of(worker: &WorkerHandle, events: &Events) -> tokio::task::JoinHandle<()> {
    let (mut states, events) = (worker.watch_state(), events.clone());
    let mut state = *states.borrow_and_update();
    tokio::spawn(async move {
        loop {
            events.push(format!("state {}", state.as_str()));
            if state == WorkerState::Stopped || states.changed().await.is_err() {
                return;
            }
            state = *states.borrow_and_update();
        }
    })
}

#[tokio::test(start_paused = true)]
async fn running_jobs_finish_undisturbed_within_the_grace_time() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = WorkFor::dispatch(24_000).on(&bench.jobs).await.unwrap();
    bench.events.wait("working").await;
    let begun = Instant::now();
    let report = worker.stop_and_wait().await;
    assert_eq!((report.completed, report.handed_back.len(), report.abandoned.len()), (1, 0, 0));
    assert_eq!((report.reason, job.status().await.unwrap()), (StopReason::Asked, JobState::Completed));
    // The worker stops when its last job does, not when the grace time is over.
    assert_eq!(begun.elapsed().as_secs(), 24);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_after_a_stop() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    WorkFor::dispatch(5_000).on(&bench.jobs).await.unwrap();
    bench.events.wait("working").await;
    worker.stop();
    worker.wait_for(WorkerState::Draining).await;
    let late = Quick::dispatch().on(&bench.jobs).await.unwrap();
    worker.stopped().await;
    assert_eq!((late.status().await.unwrap(), bench.events.count("quick ran")), (JobState::Ready, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_claim_brings_after_a_stop_goes_back_unstarted() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    bench.store.hold(Verb::Claim);
    let job = Quick::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("Claim hangs").await;
    worker.stop();
    worker.wait_for(WorkerState::Draining).await;
    bench.store.let_go(Verb::Claim);
    let report = worker.stopped().await;
    assert_eq!(bench.events.count("quick ran"), 0);
    assert_eq!(report.handed_back, [job.id()]);
    assert_eq!((job.record().await.unwrap().state, job.record().await.unwrap().attempt), (JobState::Ready, 0));
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_hard_stop() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let watching = states_of(&worker, &bench.events);
    let oblivious = Oblivious::dispatch().on(&bench.jobs).await.unwrap();
    let cleaner = SlowCleaner::dispatch(5).on(&bench.jobs).await.unwrap();
    bench.events.wait("oblivious starts").await;
    bench.events.wait("cleaner starts").await;
    let begun = Instant::now();
    worker.stop();
    bench.events.wait("cleaner told: shutdown").await;
    assert_eq!(begun.elapsed().as_secs(), 25);
    bench.events.wait("oblivious dropped").await;
    assert_eq!(begun.elapsed().as_secs(), 25 + 3);
    let report = worker.stopped().await;
    watching.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 25 + 5);
    bench.events.assert_order(&[
        "state running",
        "state draining",
        "state cancelling",
        "cleaner told: shutdown",
        "oblivious handed back",
        "oblivious dropped",
        "cleaned",
        "slow_cleaner handed back",
        "leave",
        "state stopped",
    ]);
    let mut back = report.handed_back;
    back.sort();
    assert_eq!((report.completed, back), (0, vec![oblivious.id(), cleaner.id()]));
    for id in [oblivious.id(), cleaner.id()] {
        let job = bench.record(id).await;
        assert_eq!((job.state, job.attempt, job.worker), (JobState::Ready, 0, None));
        assert!(bench.history(id).await.iter().all(|attempt| attempt.failure.is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_goes_on_until_the_worker_leaves_and_leaving_is_last() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    Oblivious::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("oblivious starts").await;
    let before = bench.events.count("beat");
    worker.stop_and_wait().await;
    assert!(bench.events.count("beat") >= before + 25, "{:?}", bench.events.all());
    bench.events.assert_order(&["oblivious handed back", "leave"]);
    assert_eq!(bench.events.all().last().map(String::as_str), Some("leave"));
    assert!(bench.jobs.inspect().unwrap().workers(bench.jobs.now()).await.unwrap().is_empty());
}

/// A beat that found the worker gone would bring it back to life under another id.
#[tokio::test(start_paused = true)]
async fn a_worker_that_left_does_not_beat_and_join_again() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait_times("beat", 2).await;
    bench.store.hold_answers(Verb::Leave);
    worker.stop();
    bench.events.wait("Leave hangs").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    bench.store.let_go(Verb::Leave);
    worker.stopped().await;
    assert_eq!(bench.events.count("join"), 1, "{:?}", bench.events.all());
    assert!(bench.jobs.inspect().unwrap().workers(bench.jobs.now()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_jobs_run_again_in_the_next_worker_with_their_attempt_unchanged() {
    #[job(retries = 0)]
    async fn twice(job: JobContext, cancel: CancelSignal, events: State<Events>) -> Result<(), Cancelled> {
        events.push(format!("twice, attempt {}", job.attempt()));
        if events.count("twice, attempt 1") == 1 {
            cancel.cancelled().await;
        }
        cancel.check()
    }
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Twice::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("twice, attempt 1").await;
    worker.stop_and_wait().await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(bench.events.count("twice, attempt 1"), 2);
    assert_eq!(job.status().await.unwrap(), JobState::Completed);
}

#[tokio::test(start_paused = true)]
async fn prefetched_jobs_go_back_at_once_while_another_still_runs() {
    let bench = Bench::new();
    let many = std::iter::repeat_with(|| WorkFor::new(1)).take(60);
    WorkFor::dispatch_many(many).on(&bench.jobs).await.unwrap();
    SlowCleaner::dispatch(0).on(&bench.jobs).await.unwrap();
    let behind = std::iter::repeat_with(Quick::new).take(50);
    Quick::dispatch_many(behind).on(&bench.jobs).await.unwrap();
    let worker = bench.app().concurrency(1).spawn().await.unwrap();
    bench.events.wait("cleaner starts").await;
    let ahead = bench.events.count("claimed quick");
    assert!(ahead > 0, "nothing was claimed ahead, so this test shows nothing");
    worker.stop();
    bench.events.wait_times("quick given back unstarted", ahead).await;
    assert_eq!((worker.state(), bench.events.count("cleaner told: shutdown")), (WorkerState::Draining, 0));
    let report = worker.stopped().await;
    assert_eq!((report.completed, report.handed_back.len()), (60, ahead + 1));
    assert_eq!(bench.events.count("quick ran"), 0);
}

#[tokio::test(start_paused = true)]
async fn jobs_claimed_ahead_of_a_long_one_are_not_kept_from_other_workers() {
    let bench = Bench::new();
    let many = std::iter::repeat_with(|| WorkFor::new(1)).take(60);
    WorkFor::dispatch_many(many).on(&bench.jobs).await.unwrap();
    SlowCleaner::dispatch(0).on(&bench.jobs).await.unwrap();
    let behind = std::iter::repeat_with(Quick::new).take(50);
    Quick::dispatch_many(behind).on(&bench.jobs).await.unwrap();
    let busy = bench.app().concurrency(1).spawn().await.unwrap();
    bench.events.wait("cleaner starts").await;
    assert!(bench.events.count("claimed quick") > 0, "nothing was claimed ahead, so this test shows nothing");
    let idle = bench.app().spawn().await.unwrap();
    bench.events.wait_times("quick ran", 50).await;
    assert_eq!(busy.running(), 1);
    idle.stop_and_wait().await;
    busy.stop_now();
    let report = busy.stopped().await;
    assert_eq!(report.handed_back.len(), 1, "jobs that went back while working are no news at the stop");
}

#[tokio::test(start_paused = true)]
async fn stop_now_skips_the_grace_time_but_not_the_cleanup() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    SlowCleaner::dispatch(2).on(&bench.jobs).await.unwrap();
    bench.events.wait("cleaner starts").await;
    let begun = Instant::now();
    worker.stop_now();
    worker.stopped().await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    bench.events.assert_order(&["cleaner told: shutdown", "cleaned", "slow_cleaner handed back", "leave"]);
}

#[tokio::test(start_paused = true)]
async fn stop_now_after_a_stop_hurries_it() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    SlowCleaner::dispatch(0).on(&bench.jobs).await.unwrap();
    bench.events.wait("cleaner starts").await;
    let begun = Instant::now();
    worker.stop();
    worker.wait_for(WorkerState::Draining).await;
    worker.stop_now();
    worker.stopped().await;
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn asking_twice_does_not_hurry() {
    let bench = Bench::new();
    let worker = bench.app().shutdown_timeout(Duration::from_secs(7)).spawn().await.unwrap();
    WorkFor::dispatch(6_000).on(&bench.jobs).await.unwrap();
    bench.events.wait("working").await;
    worker.stop();
    worker.stop();
    worker.quiet();
    worker.resume();
    let report = worker.stop_and_wait().await;
    assert_eq!((report.completed, bench.events.count("worked")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_stops_at_once() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    let begun = Instant::now();
    let report = worker.stop_and_wait().await;
    assert_eq!((report.completed, begun.elapsed()), (0, Duration::ZERO));
    assert_eq!(worker.state(), WorkerState::Stopped);
    assert_eq!(worker.stopped().await, report);
}

#[tokio::test(start_paused = true)]
async fn the_states_of_a_worker_in_order() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(worker.state(), WorkerState::Starting);
    let watching = states_of(&worker, &bench.events);
    worker.wait_for(WorkerState::Running).await;
    tokio::task::yield_now().await;
    worker.quiet();
    worker.wait_for(WorkerState::Quiet).await;
    tokio::task::yield_now().await;
    worker.resume();
    worker.wait_for(WorkerState::Running).await;
    Oblivious::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("oblivious starts").await;
    worker.stop_and_wait().await;
    watching.await.unwrap();
    let states = ["starting", "running", "quiet", "running", "draining", "cancelling", "stopped"];
    assert_eq!(bench.events.of(&["state "]), states.map(|state| format!("state {state}")));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_worker_claims_nothing_and_a_resumed_one_does() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    WorkFor::dispatch(3_000).on(&bench.jobs).await.unwrap();
    bench.events.wait("working").await;
    worker.quiet();
    worker.wait_for(WorkerState::Quiet).await;
    let job = Quick::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("worked").await;
    bench.events.wait_times("beat", bench.events.count("beat") + 5).await;
    assert_eq!(job.status().await.unwrap(), JobState::Ready);
    worker.resume();
    job.wait().await.unwrap();
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_worker_stops_when_asked() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    worker.quiet();
    worker.wait_for(WorkerState::Quiet).await;
    assert_eq!(worker.stop_and_wait().await.completed, 0);
}

#[tokio::test(start_paused = true)]
async fn an_operators_commands_come_by_way_of_the_store() {
    use jobwork::store::Command;
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    let tell = async |command| assert!(bench.jobs.inspect().unwrap().command(worker.id(), command).await.unwrap());
    tell(Command::Quiet).await;
    worker.wait_for(WorkerState::Quiet).await;
    tell(Command::Resume).await;
    worker.wait_for(WorkerState::Running).await;
    tell(Command::Stop).await;
    assert_eq!(worker.stopped().await.reason, StopReason::Told);
}

#[tokio::test(start_paused = true)]
async fn the_hooks_of_start_and_stop_are_called() {
    let bench = Bench::new();
    let (start, stop) = (bench.events.clone(), bench.events.clone());
    let app = bench.app().on_start(move |_: Jobs| {
        start.push("start hook");
        async { Ok::<(), String>(()) }
    });
    let app = app.on_stop(move |report| {
        stop.push(format!("stop hook: {}", report.completed));
        async {}
    });
    Quick::dispatch().on(&bench.jobs).await.unwrap();
    app.run_until_empty().await.unwrap();
    bench.events.assert_order(&["start hook", "join", "quick ran", "leave", "stop hook: 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_hook_that_fails_keeps_the_worker_from_starting() {
    let bench = Bench::new();
    let app = bench.app().on_start(|_: Jobs| async { Err("no licence") });
    let error = app.spawn().await.unwrap_err().to_string();
    assert_eq!((error.as_str(), bench.events.count("join")), ("a start hook failed: no licence", 0));
}
