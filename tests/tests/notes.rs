//! What jobs say about themselves while they run: progress, checkpoints and their log.

use std::time::Duration;

use jobwork::{
    CancelSignal, Dispatch, Error, Handling, Job, JobContext, JobError, JobHandle, JobLog, LogLevel, Perform, State,
    job,
};
use jobwork_tests::{Bench, Events, Verb};
use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt;

/// Counts pages, and waits at the page where it is told to until it is told to stop.
#[job(retries = 3)]
async fn pages(
    stop_at: u32,
    fail: bool,
    job: JobContext,
    cancel: CancelSignal,
    events: State<Events>,
) -> Result<u32, JobError> {
    let first = job.last_checkpoint::<u32>()?.map_or(1, |done| done + 1);
    events.push(format!("begins at {first}"));
    for page in first..=10 {
        job.checkpoint(&page).await?;
        assert_eq!(job.last_checkpoint()?, Some(page));
        if page == stop_at && first == 1 {
            events.push("stops");
            if fail {
                return Err(JobError::new("out of paper"));
            }
            cancel.guard(std::future::pending::<()>()).await?;
        }
    }
    Ok(10)
}

async fn resumes_after(fail: bool, end: impl AsyncFnOnce(&Bench, jobwork::WorkerHandle)) {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Pages::dispatch(4, fail).on(&bench.jobs).await.unwrap();
    bench.events.wait("stops").await;
    end(&bench, worker).await;
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), 10);
    assert_eq!(bench.events.of(&["begins"]), ["begins at 1", "begins at 5"]);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_goes_on_from_its_checkpoint() {
    resumes_after(true, async |_, worker| drop(worker.stop_and_wait().await)).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_handed_back_goes_on_from_its_checkpoint() {
    resumes_after(false, async |_, worker| drop(worker.stop_and_wait().await)).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_worker_was_declared_dead_goes_on_from_its_checkpoint() {
    resumes_after(false, async |bench, worker| {
        bench.declare_dead().await;
        worker.stop_and_wait().await;
    })
    .await;
}

/// Says whether its checkpoint was accepted after it lost its lease.
#[job(retries = 0)]
async fn late(job: JobContext, cancel: CancelSignal, events: State<Events>) {
    if job.rescues() == 0 {
        events.push("started");
        cancel.cancelled().await;
        events.push(match job.checkpoint("x").await {
            Err(Error::LeaseLost(id)) => format!("lost {}", id == job.id()),
            other => format!("{other:?}"),
        });
    } else {
        events.push(format!("{:?}", job.last_checkpoint::<String>()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_a_job_that_belongs_to_another_worker_is_refused() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let job = Late::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("started").await;
    bench.declare_dead().await;
    job.wait().await.unwrap();
    bench.events.wait("lost true").await;
    bench.events.wait("Ok(None)").await;
    worker.stop_and_wait().await;
}

#[job(retries = 0)]
async fn checks(job: JobContext, events: State<Events>) {
    for _ in 0..2 {
        let stored = job.checkpoint(&7).await;
        events.push(stored.map_or_else(|error| error.to_string(), |()| "stored".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_the_store_can_not_write_is_an_error_and_the_next_may_succeed() {
    let bench = Bench::new();
    bench.store.fail(Verb::Note, 1);
    Checks::dispatch().on(&bench.jobs).await.unwrap();
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 1);
    let told = bench.events.of(&["the job store", "stored"]);
    assert!(told[0].contains("pulled the plug") && told[1] == "stored", "{told:?}");
}

#[job(retries = 0)]
async fn talks(job: JobContext, cancel: CancelSignal, events: State<Events>) {
    for page in 1..=1000_u32 {
        job.progress(f64::from(page) / 2000.0, format!("page {page}"));
    }
    events.push("talked");
    cancel.cancelled().await;
    job.progress(7.0, "last");
    job.finished();
}

async fn until_progress<J: Job>(job: &JobHandle<J>) -> jobwork::Progress {
    loop {
        if let Some(progress) = job.progress().await.unwrap() {
            return progress;
        }
        tokio::time::advance(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn progress_is_seen_while_the_job_runs_and_costs_one_write() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    let jobs = [(); 3].map(|()| Talks::new());
    let jobs = Talks::dispatch_many(jobs).on(&bench.jobs).await.unwrap();
    bench.events.wait_times("talked", 3).await;
    let progress = until_progress(&jobs[0]).await;
    assert_eq!((progress.fraction(), progress.message()), (0.5, "page 1000"));
    assert_eq!(bench.events.of(&["note"]), ["note 3"]);
    worker.stop_and_wait().await;
    let progress = jobs[0].progress().await.unwrap().unwrap();
    assert_eq!((progress.fraction(), progress.message()), (1.0, "last"), "said last, and written before the outcome");
}

#[job(retries = 0)]
async fn chatty(fail: bool, job: JobContext) -> Result<(), &'static str> {
    job.log("one");
    tokio::task::yield_now().await;
    job.log("two");
    if fail { Err("broke") } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn the_log_is_written_before_the_outcome() {
    let bench = Bench::new();
    for fail in [false, true] {
        let id = Chatty::dispatch(fail).on(&bench.jobs).await.unwrap().id();
        bench.app().run_until_empty().await.unwrap();
        let log = bench.jobs.log(id).await.unwrap();
        let lines: Vec<_> = log.iter().map(|line| (line.attempt, line.level, line.text.as_str())).collect();
        assert_eq!(lines, [(1, LogLevel::Info, "one"), (1, LogLevel::Info, "two")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_writes_no_notes_fails_no_job() {
    let bench = Bench::new();
    bench.store.fail(Verb::Note, 9);
    let job = Chatty::dispatch(false).on(&bench.jobs).await.unwrap();
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 1);
    assert_eq!(bench.jobs.log(job.id()).await.unwrap(), []);
}

#[job(retries = 0)]
async fn silent() {}

#[tokio::test(start_paused = true)]
async fn a_job_that_says_nothing_has_nothing_written() {
    let bench = Bench::new();
    Silent::dispatch().on(&bench.jobs).await.unwrap();
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 1);
    assert_eq!(bench.events.of(&["note"]), [""; 0]);
}

#[job(retries = 0)]
fn blocks(job: JobContext) -> Result<Option<u32>, JobError> {
    job.progress(0.5, "half");
    job.checkpoint_blocking(&41)?;
    Ok(job.last_checkpoint()?)
}

#[tokio::test]
async fn a_blocking_job_has_checkpoints_too() {
    let bench = Bench::new();
    let job = Blocks::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), Some(41));
    assert_eq!(job.progress().await.unwrap().unwrap().message(), "half");
}

/// Waits with a checkpoint for a store that never answers.
#[job(cleanup = "10ms")]
fn stuck(job: JobContext, events: State<Events>) {
    events.push(job.checkpoint_blocking(&1).unwrap_err().to_string());
}

#[tokio::test]
async fn a_blocking_job_that_waits_for_its_checkpoint_does_not_outlive_its_worker() {
    let bench = Bench::new();
    bench.store.hold(Verb::Note);
    let worker = bench.app().shutdown_timeout(Duration::from_millis(10)).spawn().await.unwrap();
    Stuck::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("Note hangs").await;
    worker.stop_and_wait().await;
    bench.events.wait("the job store failed: the worker that ran the job has ended").await;
}

#[tokio::test]
async fn a_job_called_by_itself_has_its_own_checkpoints() {
    let job = JobContext::detached("import");
    assert_eq!(job.last_checkpoint::<u32>().unwrap(), None);
    job.checkpoint(&3).await.unwrap();
    job.progress(0.5, "");
    job.log("text");
    assert_eq!(job.last_checkpoint::<u32>().unwrap(), Some(3));
    let error = job.last_checkpoint::<String>().unwrap_err();
    assert!(error.to_string().starts_with("can't read the checkpoint of job `import`: "), "{error}");
}

/// A job whose log is kept from this level on.
#[derive(Serialize, Deserialize)]
struct Logs(String);

impl Job for Logs {
    type Output = ();
    type Params = (String,);
    const NAME: &'static str = "logs";
    const FIELDS: &'static [&'static str] = &["0"];
}

impl Perform for Logs {
    fn handling() -> Handling {
        Handling::new().keep_log(LogLevel::Debug)
    }

    async fn perform(self, job: JobContext) -> Result<(), JobError> {
        let name = self.0.as_str();
        tracing::info!(name, pages = 3, "printing {}", "now");
        tracing::trace!("too fine");
        let child = tracing::debug_span!("deeper");
        child.in_scope(|| tracing::debug!("deep"));
        job.log("by hand");
        let aside = async { tracing::warn!("aside") };
        tokio::spawn(tracing::Instrument::in_current_span(aside)).await.map_err(|_| JobError::new("it panicked"))
    }
}

#[job(retries = 0)]
async fn unasked() {
    tracing::error!("not kept");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_asks_for_it_keeps_what_it_logs() {
    // A log that shows nothing itself must not keep the job from keeping it.
    let quiet = tracing_subscriber::Layer::with_filter(
        tracing_subscriber::layer::Identity::new(),
        tracing::level_filters::LevelFilter::OFF,
    );
    let subscriber = tracing_subscriber::registry().with(quiet).with(JobLog::layer());
    let _log = tracing::subscriber::set_default(subscriber);
    let bench = Bench::new();
    let app = || bench.app().register::<Logs>();
    let job = Dispatch::new(Logs("a b".to_owned())).on(&bench.jobs).await.unwrap();
    let other = Unasked::dispatch().on(&bench.jobs).await.unwrap();
    tracing::info!("outside of any job");
    assert_eq!(app().run_until_empty().await.unwrap().completed, 2);
    let lines: Vec<String> =
        bench.jobs.log(job.id()).await.unwrap().iter().map(|line| format!("{} {}", line.level, line.text)).collect();
    let expected = ["info printing now  name=\"a b\" pages=3", "debug deep", "info by hand", "warn aside"];
    assert_eq!(lines, expected);
    assert_eq!(bench.jobs.log(other.id()).await.unwrap(), []);
}
