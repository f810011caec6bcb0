//! Middleware: its order, and that its failures are the attempt's and carry its name.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use jobwork::{
    FailureKind, JobContext, JobError, JobResult, JobState, Middleware, Next, Output, State, TowerLayer, job,
};
use jobwork_tests::{Bench, Events};

fn log(job: &JobContext) -> Events {
    Events::clone(&job.state::<Events>().expect("every bench gives the log to its app"))
}

/// Writes down when the job passes, in and out.
struct Named(&'static str);

impl Middleware for Named {
    fn handle(&self, job: JobContext, next: Next) -> Pin<Box<dyn Future<Output = JobResult> + Send>> {
        let name = self.0;
        Box::pin(async move {
            log(&job).push(format!("> {name}"));
            let result = next.run(job.clone()).await;
            log(&job).push(format!("< {name}"));
            result
        })
    }

    fn name(&self) -> &'static str {
        self.0
    }
}

async fn a_function(job: JobContext, next: Next) -> JobResult {
    log(&job).push("> function");
    next.run(job).await
}

#[job(middleware = [Named("first"), a_function, Named("second")])]
async fn wrapped(events: State<Events>) -> Result<u32, JobError> {
    events.push("> job");
    Ok(7)
}

#[tokio::test(start_paused = true)]
async fn the_apps_surround_the_jobs_own_and_the_first_is_outermost() {
    let bench = Bench::new();
    let app = bench.app().middleware(Named("app one")).middleware(Named("app two"));
    let job = Wrapped::dispatch().on(&bench.jobs).await.unwrap();
    app.run_until_empty().await.unwrap();
    let passes = bench.events.of(&["> ", "< "]);
    let expected = "> app one,> app two,> first,> function,> second,> job,< second,< first,< app two,< app one";
    assert_eq!(passes.join(","), expected);
    assert_eq!(job.wait().await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_closure_is_middleware_and_may_look_at_the_result() {
    let bench = Bench::new();
    let app = bench.app().middleware(async |job: JobContext, next: Next| {
        let result = next.run(job.clone()).await;
        log(&job).push(format!("returned {}", result.as_ref().map(Output::as_json).unwrap_or("an error")));
        result
    });
    Wrapped::dispatch().on(&bench.jobs).await.unwrap();
    app.run_until_empty().await.unwrap();
    assert_eq!(bench.events.count("returned 7"), 1);
}

async fn not_today(_: JobContext, _: Next) -> JobResult {
    Err(JobError::new("not today"))
}

#[job(retries = 0, middleware = [not_today])]
async fn never_reached(events: State<Events>) {
    events.push("reached");
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_keeps_the_job_from_running_and_is_named() {
    let bench = Bench::new();
    let job = NeverReached::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().middleware(Named("outer")).run_until_empty().await.unwrap();
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Error, "not today"));
    assert!(failure.middleware.unwrap().ends_with("not_today"));
    assert_eq!((bench.events.count("reached"), bench.events.count("< outer")), (0, 1));
}

async fn panics_after(job: JobContext, next: Next) -> JobResult {
    let _ = next.run(job).await;
    panic!("the meter broke")
}

#[job(retries = 0, middleware = [panics_after])]
async fn measured() {}

#[tokio::test(start_paused = true)]
async fn one_that_panics_fails_the_attempt_and_is_named() {
    let bench = Bench::new();
    let job = Measured::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().middleware(Named("outer")).run_until_empty().await.unwrap();
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Panic, "panicked: the meter broke"));
    assert!(failure.middleware.unwrap().ends_with("panics_after"));
    // Outer middleware sees the panic as an error like any other.
    assert_eq!(bench.events.count("< outer"), 1);
}

struct PanicsAtOnce;

impl Middleware for PanicsAtOnce {
    fn handle(&self, _: JobContext, _: Next) -> Pin<Box<dyn Future<Output = JobResult> + Send>> {
        panic!("before any future was made")
    }

    fn name(&self) -> &'static str {
        "panics at once"
    }
}

#[job(retries = 0, middleware = [PanicsAtOnce])]
async fn behind_a_panic() {}

#[tokio::test(start_paused = true)]
async fn one_that_panics_before_it_returns_its_future_is_named_too() {
    let bench = Bench::new();
    let job = BehindAPanic::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!(failure.message, "panicked: before any future was made");
    assert_eq!(failure.middleware.as_deref(), Some("panics at once"));
}

#[job(retries = 0, middleware = [Named("innocent")])]
async fn guilty(how: String) -> Result<(), String> {
    assert!(how != "panics", "by the job");
    Err("by the job".to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_jobs_own_failure_is_not_blamed_on_its_middleware() {
    let bench = Bench::new();
    for how in ["panics", "fails"] {
        let job = Guilty::dispatch(how).on(&bench.jobs).await.unwrap();
        bench.app().middleware(Named("outer")).run_until_empty().await.unwrap();
        assert_eq!(bench.history(job.id()).await.remove(0).failure.unwrap().middleware, None);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_itself_completes_the_job() {
    #[job(retries = 0)]
    async fn broken() -> Result<u32, String> {
        Err("no".to_owned())
    }
    let bench = Bench::new();
    let job = Broken::dispatch().on(&bench.jobs).await.unwrap();
    let app = bench.app().middleware(async |job: JobContext, next: Next| match next.run(job).await {
        Err(_) => Err(JobError::discard("nobody cares")),
        ok => ok,
    });
    app.run_until_empty().await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Discarded);
}

/// A tower layer that writes down what passes, and fails the calls of one job.
#[derive(Clone)]
struct Tower;

struct TowerService<S>(S);

impl<S> tower_layer::Layer<S> for Tower {
    type Service = TowerService<S>;

    fn layer(&self, inner: S) -> TowerService<S> {
        TowerService(inner)
    }
}

impl<S> tower_service::Service<JobContext> for TowerService<S>
where
    S: tower_service::Service<JobContext, Response = Output, Error = JobError>,
    S::Future: Send + 'static,
{
    type Response = Output;
    type Error = JobError;
    type Future = Pin<Box<dyn Future<Output = JobResult> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), JobError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, job: JobContext) -> Self::Future {
        log(&job).push("tower called");
        if job.name() == "measured" {
            return Box::pin(async { Err(JobError::new("overloaded")) });
        }
        Box::pin(self.0.call(job))
    }
}

#[tokio::test(start_paused = true)]
async fn a_tower_layer_is_middleware() {
    let bench = Bench::new();
    let fine = Wrapped::dispatch().on(&bench.jobs).await.unwrap();
    let refused = Measured::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().middleware(TowerLayer::new(Tower)).run_until_empty().await.unwrap();
    assert_eq!((fine.wait().await.unwrap(), bench.events.count("tower called")), (7, 2));
    let failure = bench.history(refused.id()).await.remove(0).failure.unwrap();
    assert_eq!(failure.message, "overloaded");
    assert!(failure.middleware.unwrap().contains("Tower"));
}
