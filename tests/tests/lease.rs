//! A worker that the store takes for dead, and jobs whose workers die.

use std::time::Duration;

use jobwork::store::{Beat, BeatKind, Claim, Rescue, Served, Store, WorkerInfo, WorkerState};
use jobwork::{CancelSignal, DeadReason, FailedJob, FailureKind, JobContext, JobError, JobState, State, WorkerId, job};
use jobwork_tests::{Bench, Events, Verb};
use tokio::time::Instant;

/// Holds on in its first run until told to stop; succeeds after a rescue.
#[job(retries = 0)]
async fn interrupted(job: JobContext, cancel: CancelSignal, events: State<Events>) -> Result<u32, String> {
    events.push(format!("run {} by {}", job.rescues(), job.worker()));
    if job.rescues() > 0 {
        return Ok(job.attempt());
    }
    let reason = cancel.cancelled().await;
    events.push(format!("told: {reason}"));
    Ok(99)
}

#[tokio::test(start_paused = true)]
async fn a_worker_declared_dead_tells_its_jobs_and_goes_on_under_a_fresh_id() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let first_id = worker.id();
    let job = Interrupted::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait(&format!("run 0 by {first_id}")).await;
    let begun = Instant::now();
    bench.declare_dead().await;
    assert_eq!(job.wait().await.unwrap(), 1);
    // It claims again with its next poll at the latest.
    assert!(begun.elapsed() <= Duration::from_secs(1));
    let second_id = worker.id();
    assert_ne!(first_id, second_id);
    bench.events.wait("told: lease lost").await;
    bench.events.wait(&format!("run 1 by {second_id}")).await;
    assert_eq!(bench.events.count("join"), 2);
    let report = worker.stop_and_wait().await;
    assert_eq!((report.completed, report.handed_back.len(), report.abandoned.len()), (1, 0, 0));
    assert!(bench.jobs.inspect().unwrap().workers(bench.jobs.now()).await.unwrap().is_empty());
}

/// The job ends between the rescue and the beat by which its worker learns of it.
#[tokio::test(start_paused = true)]
async fn an_outcome_that_comes_too_late_is_fenced() {
    #[job]
    async fn two_seconds(events: State<Events>) -> Result<usize, String> {
        events.push("two seconds start");
        let run = events.count("two seconds start");
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(run)
    }
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = TwoSeconds::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("two seconds start").await;
    bench.store.hold(Verb::Beat);
    bench.declare_dead().await;
    bench.events.wait("fenced two_seconds completed").await;
    assert_eq!(job.status().await.unwrap(), JobState::Ready);
    bench.store.let_go(Verb::Beat);
    assert_eq!(job.wait().await.unwrap(), 2);
    assert_eq!(worker.stop_and_wait().await.completed, 1);
}

/// A worker that joins the store, claims, and is never heard of again.
async fn die_with_a_job(bench: &Bench, name: &str) {
    let now = bench.jobs.now();
    let info = WorkerInfo {
        id: WorkerId::fresh(),
        host: "elsewhere".to_owned(),
        pid: 1,
        queues: Vec::new(),
        concurrency: 1,
        started_at: now,
    };
    let id = info.id;
    let state = WorkerState::Running;
    let lease = Duration::from_secs(15);
    let beat = Beat { worker: info.into(), kind: BeatKind::Join, state, running: 0, lease, now };
    bench.store.beat(beat).await.unwrap();
    let served = Served { name: name.to_owned(), version: 1 };
    let claim = Claim::new(id, [served].into(), 1, now);
    assert_eq!(bench.store.claim(claim).await.unwrap().jobs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_jobs_of_a_dead_worker_are_rescued_within_its_lease_and_run_at_once() {
    let bench = Bench::new();
    let job = Interrupted::dispatch().on(&bench.jobs).await.unwrap();
    die_with_a_job(&bench, "interrupted").await;
    let begun = Instant::now();
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), 1);
    let elapsed = begun.elapsed().as_secs_f64();
    assert!((15.0..16.0).contains(&elapsed), "{elapsed}");
    worker.stop_and_wait().await;
    assert_eq!(bench.story(job.id()).await, ["rescued"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_killed_three_workers_is_dead_as_a_poison_pill() {
    let bench = Bench::new();
    let job = Interrupted::dispatch().on(&bench.jobs).await.unwrap();
    for _ in 0..3 {
        die_with_a_job(&bench, "interrupted").await;
        bench.declare_dead().await;
    }
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.reason), (JobState::Dead, Some(DeadReason::Poison.to_string())));
    let failure = bench.history(job.id()).await.pop().unwrap().failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Poison);
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 0);
}

#[tokio::test(start_paused = true)]
async fn how_many_deaths_a_job_may_cost_is_the_apps_to_say() {
    let bench = Bench::new();
    let job = Interrupted::dispatch().on(&bench.jobs).await.unwrap();
    die_with_a_job(&bench, "interrupted").await;
    let worker = bench.app().poison_after(1).spawn().await.unwrap();
    job.wait().await.unwrap_err();
    worker.stop_and_wait().await;
    assert_eq!(job.status().await.unwrap(), JobState::Dead);
}

#[tokio::test(start_paused = true)]
async fn the_error_handlers_of_a_poison_pill_are_called_by_whoever_rescues_it() {
    async fn bury(failed: FailedJob, error: JobError) {
        let events = failed.job.state::<Events>().expect("every bench gives the log to its app");
        events.push(format!("buried at attempt {}: {error}", failed.job.attempt()));
    }
    #[job(on_dead = bury)]
    async fn lethal() {}
    let bench = Bench::new();
    Lethal::dispatch().on(&bench.jobs).await.unwrap();
    die_with_a_job(&bench, "lethal").await;
    let worker = bench.app().poison_after(1).spawn().await.unwrap();
    bench.events.wait("buried at attempt 1: 1 workers died while they ran it").await;
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_living_worker_is_never_rescued_from_however_long_its_job_takes() {
    #[job]
    async fn an_hour() {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let bench = Bench::new();
    AnHour::dispatch().on(&bench.jobs).await.unwrap();
    let watcher = bench.app().queues(["none of them"]).spawn().await.unwrap();
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 1);
    assert_eq!(bench.events.count("rescued"), 0);
    watcher.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn an_id_is_fresh_per_start() {
    let bench = Bench::new();
    let one = bench.app().spawn().await.unwrap();
    let other = bench.app().spawn().await.unwrap();
    assert_ne!(one.id(), other.id());
    one.stop_and_wait().await;
    other.stop_and_wait().await;
}

/// A job that blocks the only async thread, on a runtime and with a clock like those of a program.
#[test]
fn a_job_that_blocks_the_only_async_thread_does_not_stop_the_heartbeat() {
    #[job]
    async fn blocks_until_beaten(events: State<Events>) {
        let before = events.count("beat");
        // Wrong in an async job, and no reason to be taken for dead.
        while events.count("beat") < before + 4 {
            std::thread::yield_now();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::new();
        BlocksUntilBeaten::dispatch().on(&bench.jobs).await.unwrap();
        let app = bench.app().single_runtime(false).lease(Duration::from_millis(300));
        assert_eq!(app.run_until_empty().await.unwrap().completed, 1);
        assert_eq!((bench.events.count("rescued"), bench.events.count("join")), (0, 1));
    });
}

#[test]
fn jobs_are_handed_back_when_their_runtime_ends_under_the_worker() {
    #[job]
    async fn endless(events: State<Events>) {
        events.push("endless starts");
        std::future::pending::<()>().await;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (bench, worker, job) = runtime.block_on(async {
        let bench = Bench::new();
        let job = Endless::dispatch().on(&bench.jobs).await.unwrap();
        let worker = bench.app().single_runtime(false).spawn().await.unwrap();
        bench.events.wait("endless starts").await;
        (bench, worker, job)
    });
    runtime.shutdown_background();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let report = worker.stopped().await;
        assert_eq!(report.reason, jobwork::StopReason::Runtime);
        let record = bench.jobs.get(job.id()).await.unwrap().unwrap();
        assert_eq!((record.state, record.attempt, report.handed_back), (JobState::Ready, 0, vec![job.id()]));
    });
}

#[tokio::test(start_paused = true)]
async fn a_rescue_may_be_asked_for_by_many_workers_and_happens_once() {
    let bench = Bench::new();
    Interrupted::dispatch().on(&bench.jobs).await.unwrap();
    die_with_a_job(&bench, "interrupted").await;
    let rescue = Rescue { poison_after: 3, now: bench.jobs.now() + Duration::from_secs(16) };
    let upkeep = bench.store.upkeep().unwrap();
    let rescued = [upkeep.rescue(rescue).await.unwrap().len(), upkeep.rescue(rescue).await.unwrap().len()];
    assert_eq!(rescued, [1, 0]);
}
