//! What users test their jobs with.

use std::time::Duration;

use jiff::Timestamp;
use jobwork::testing::{TestApp, assert_dispatched, refute_dispatched};
use jobwork::{
    App, FailureKind, JobContext, JobError, JobHandle, JobResult, JobState, Keyring, Next, State, chain, job,
};
use jobwork_tests::Events;

#[job(queue = "mail", retries = 2, backoff = "10s")]
async fn send_email(to: String, text: String, events: State<Events>) -> Result<usize, JobError> {
    events.push(format!("email to {to}"));
    Ok(text.len())
}

#[job]
async fn double(number: usize, events: State<Events>) -> Result<usize, JobError> {
    events.push(format!("double {number}"));
    Ok(2 * number)
}

#[job]
async fn welcome(to: String, events: State<Events>) -> jobwork::Result<()> {
    SendEmail::dispatch(&*to, "hi").await?;
    events.push(format!("welcomed {to}"));
    Ok(())
}

#[job]
fn panics() {
    panic!("as it should");
}

#[job]
async fn calls_itself() -> jobwork::Result<()> {
    CallsItself::dispatch().delay(Duration::from_secs(60)).await?;
    Ok(())
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn app() -> (App, Events) {
    let events = Events::default();
    (App::new().state(events.clone()), events)
}

async fn bench() -> (TestApp, Events) {
    let (app, events) = app();
    (TestApp::new(app).await, events)
}

async fn email(app: &TestApp) -> JobHandle<SendEmail> {
    app.scope(async { SendEmail::dispatch("ann", "hello").await }).await.unwrap()
}

fn message(panics: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn two_apps_share_nothing() {
    let ((one, _), (other, _)) = (bench().await, bench().await);
    email(&one).await;
    assert!(other.drain().await.is_empty());
    refute_dispatched!(other, SendEmail);
    assert_eq!(one.drain().await.to_string(), "send_email completed");
}

#[tokio::test]
async fn a_drain_performs_what_jobs_dispatch_and_stops_at_what_is_due_later() {
    let (app, events) = bench().await;
    app.scope(async {
        Welcome::dispatch("ann").await.unwrap();
        SendEmail::dispatch("bob", "later").delay(minutes(5)).await.unwrap();
    })
    .await;
    assert_eq!(app.drain().await.to_string(), "welcome completed, send_email completed");
    assert_eq!(events.all(), ["welcomed ann", "email to ann"]);
    assert!(app.drain().await.is_empty());
}

#[tokio::test]
async fn jobs_are_performed_one_by_one_in_the_order_of_the_store() {
    let (app, events) = bench().await;
    app.scope(async {
        Double::dispatch_many((1..=3).map(Double::new)).await.unwrap();
        Double::dispatch(9).priority(5).await.unwrap();
    })
    .await;
    assert_eq!(app.drain().await.count(JobState::Completed), 4);
    assert_eq!(events.all(), ["double 9", "double 1", "double 2", "double 3"]);
}

#[tokio::test]
async fn a_chain_is_performed_to_its_end_and_its_result_can_be_had() {
    let (app, _) = bench().await;
    let chain = chain![SendEmail("ann", "hello"), Double, Double];
    let chain = app.scope(async { chain.dispatch().await }).await.unwrap();
    assert_eq!(app.drain().await.len(), 3);
    assert_eq!(chain.wait().await.unwrap(), 20);
}

#[tokio::test]
async fn faults_fail_attempts_and_the_clock_brings_the_retries() {
    let (app, events) = bench().await;
    app.fail_next::<SendEmail>(JobError::new("no luck"));
    app.fail_times::<SendEmail>(1, JobError::retry_after(minutes(3)));
    let (job, begun) = (email(&app).await, app.now());
    assert_eq!(app.drain().await.to_string(), "send_email scheduled");
    assert_eq!(app.advance(Duration::from_secs(9)).await.len(), 0);
    assert_eq!(app.advance(minutes(1)).await.to_string(), "send_email scheduled");
    assert_eq!(app.advance(minutes(3)).await.to_string(), "send_email completed");
    assert_eq!(job.wait().await.unwrap(), 5);
    assert_eq!(events.all(), ["email to ann"]);
    let failures = app.jobs().history(job.id()).await.unwrap();
    let failure = failures[0].failure.clone().unwrap();
    assert_eq!((failure.message.as_str(), failure.middleware), ("no luck", None));
    assert_eq!(app.now().duration_since(begun), Duration::from_secs(9 + 240).try_into().unwrap());
}

#[tokio::test]
async fn a_job_without_retries_left_is_dead() {
    let (app, _) = bench().await;
    app.fail_times::<SendEmail>(3, JobError::new("no luck"));
    let job = email(&app).await;
    assert_eq!(
        app.advance(minutes(60)).await.to_string(),
        "send_email scheduled, send_email scheduled, send_email dead"
    );
    assert!(job.wait().await.unwrap_err().to_string().contains("no luck"));
}

#[tokio::test]
async fn time_brings_what_falls_due_in_its_order_and_at_its_time() {
    let (app, events) = bench().await;
    let begun = app.now();
    app.scope(async {
        Double::dispatch(3).delay(minutes(30)).await.unwrap();
        Double::dispatch(1).delay(minutes(10)).await.unwrap();
        Double::dispatch(4).delay(minutes(61)).await.unwrap();
        Double::dispatch(2).delay(minutes(20)).await.unwrap();
    })
    .await;
    let drained = app.advance(minutes(60)).await;
    assert_eq!(events.all(), ["double 1", "double 2", "double 3"]);
    let passed = drained.jobs()[0].started_at.unwrap().duration_since(begun).as_secs();
    assert_eq!(passed, 600);
}

#[tokio::test]
async fn a_job_that_dispatches_itself_for_later_runs_as_often_as_time_passes() {
    let (app, _) = bench().await;
    app.scope(async { CallsItself::dispatch().await }).await.unwrap();
    assert_eq!(app.advance(minutes(10)).await.count(JobState::Completed), 11);
}

#[tokio::test]
async fn a_job_that_nobody_performed_in_time_has_expired() {
    let (app, events) = bench().await;
    let late = Double::dispatch(1).expires(minutes(5));
    let job = app.scope(async { late.await }).await.unwrap();
    app.fail_next::<Double>(JobError::snooze(minutes(10)));
    assert_eq!(app.drain().await.to_string(), "double scheduled");
    assert!(app.advance(minutes(20)).await.is_empty());
    assert_eq!(job.status().await.unwrap(), JobState::Discarded);
    assert_eq!(events.all(), Vec::<String>::new());
}

/// Writes down when it was made to run.
#[job]
async fn tick(word: String, job: JobContext, events: State<Events>) -> Result<(), JobError> {
    let tick = job.tick().ok_or_else(|| JobError::dead("no tick"))?;
    events.push(format!("{word} {tick}"));
    Ok(())
}

#[job(rate = "1/25m")]
async fn rare(number: u32, events: State<Events>) {
    events.push(format!("rare {number}"));
}

const DAY: Duration = Duration::from_secs(86_400);

/// An app whose time begins here.
async fn at(app: App, start: &str) -> TestApp {
    TestApp::at(app, start.parse().unwrap()).await
}

#[tokio::test]
async fn schedules_tick_at_their_time_among_jobs_retries_and_rates() {
    let (app, events) = app();
    let app = app.cron("quarters", "10,20,40 * * * *", || Double::dispatch(0));
    let app = at(app, "2027-05-01T00:00:00Z").await;
    app.fail_next::<Welcome>(JobError::retry_after(minutes(15)));
    let expiring = app.scope(async {
        Welcome::dispatch("ann").await.unwrap();
        Double::dispatch(30).delay(minutes(30)).await.unwrap();
        Rare::dispatch(1).await.unwrap();
        Rare::dispatch(2).await.unwrap();
        Rare::dispatch(3).expires(minutes(35)).await.unwrap()
    });
    let expiring = expiring.await;
    app.advance(minutes(59)).await;
    let order = ["rare 1", "double 0", "welcomed ann", "email to ann", "double 0", "rare 2", "double 30", "double 0"];
    assert_eq!(events.all(), order);
    assert_eq!(expiring.status().await.unwrap(), JobState::Discarded);
}

#[tokio::test]
async fn every_tick_of_a_month_runs_once_and_knows_its_time() {
    let (app, events) = app();
    let app =
        app.cron("hourly", "@hourly", || Tick::dispatch("hour")).cron("yearly", "@yearly", || Tick::dispatch("year"));
    let app = at(app, "2027-12-15T00:00:00.5Z").await;
    let drained = app.advance(30 * DAY).await;
    let begun: Timestamp = "2027-12-15T00:00:00Z".parse().unwrap();
    let hours = (1..=30 * 24).map(|hours| format!("hour {}", begun + Duration::from_secs(3600 * hours)));
    assert_eq!(events.of(&["hour"]), hours.collect::<Vec<_>>());
    assert_eq!(events.of(&["year"]), ["year 2028-01-01T00:00:00Z"]);
    let made = drained.jobs().iter().filter(|job| job.tags[0] == "cron:hourly");
    assert!(made.clone().all(|job| job.created_at == job.run_at && job.started_at == Some(job.run_at)));
    assert_eq!(made.count(), 720);
}

#[tokio::test]
async fn years_without_a_tick_take_no_time() {
    let (app, events) = app();
    let app = at(app.cron("yearly", "@yearly", || Tick::dispatch("year")), "2027-05-01T00:00:00Z").await;
    assert!(app.drain().await.is_empty());
    app.advance(50 * 366 * DAY).await;
    assert_eq!(events.all(), (2028..=2077).map(|year| format!("year {year}-01-01T00:00:00Z")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_schedule_that_is_paused_makes_nothing_and_one_that_is_asked_runs_now() {
    let (app, events) = app();
    let app = TestApp::new(app.cron("hourly", "@hourly", || Tick::dispatch("hour"))).await;
    app.jobs().pause_schedule("hourly").await.unwrap();
    assert!(app.advance(DAY).await.is_empty());
    app.jobs().run_schedule("hourly").await.unwrap();
    assert_eq!(app.drain().await.to_string(), "tick completed");
    app.jobs().resume_schedule("hourly").await.unwrap();
    assert_eq!(app.advance(DAY).await.len(), 24);
    assert_eq!(events.all().len(), 25);
}

#[tokio::test]
async fn one_attempt_by_itself_has_middleware_state_and_keys_and_touches_no_store() {
    async fn shout(job: JobContext, next: Next) -> JobResult {
        let events = job.state::<Events>().unwrap();
        events.push(format!("before attempt {}", job.attempt()));
        next.run(job).await
    }
    let (app, events) = app();
    let app = TestApp::new(app.middleware(shout).keyring(Keyring::new("a", [1; 32]))).await;
    assert_eq!(app.perform_now(SendEmail::new("ann", "hello")).await.unwrap(), 5);
    assert_eq!(events.all(), ["before attempt 1", "email to ann"]);
    assert!(app.jobs().list(&jobwork::store::Filter::default()).await.unwrap().is_empty());
    let panic = app.perform_now(Panics::new()).await.unwrap_err();
    assert_eq!((panic.kind(), panic.message()), (FailureKind::Panic, "panicked: as it should"));
}

#[tokio::test]
async fn inline_a_dispatch_returns_when_all_that_follows_from_it_is_done() {
    let (app, events) = app();
    let app = TestApp::inline(app).await;
    let job = app.scope(async { Welcome::dispatch("ann").await }).await.unwrap();
    assert_eq!(events.all(), ["email to ann", "welcomed ann"]);
    assert_eq!(job.status().await.unwrap(), JobState::Completed);
    assert_dispatched!(app, SendEmail { to, .. } if to == "ann", times = 1);
}

#[tokio::test]
async fn dispatches_are_found_by_type_pattern_queue_delay_and_number() {
    let (app, _) = bench().await;
    email(&app).await;
    app.scope(async { SendEmail::dispatch("bob", "later").queue("slow").delay(minutes(1)).await }).await.unwrap();
    assert_dispatched!(app, SendEmail);
    assert_dispatched!(app, SendEmail, times = 2);
    assert_dispatched!(app, SendEmail { .. }, times = 2);
    assert_dispatched!(app, SendEmail { to, text } if to == "ann" && text == "hello", queue = "mail");
    assert_dispatched!(app, SendEmail { to, .. } if to == "bob", queue = "slow", delay = minutes(1), times = 1);
    assert_dispatched!(app, SendEmail, delay = Duration::ZERO, times = 1);
    refute_dispatched!(app, Double);
    refute_dispatched!(app, SendEmail { to, .. } if to == "eve");
    refute_dispatched!(app, SendEmail, queue = "default");
    assert_eq!(app.dispatched::<SendEmail>().len(), 2);
}

#[tokio::test]
async fn a_failed_assertion_says_what_was_dispatched_instead() {
    let (app, _) = bench().await;
    let nothing = message(|| assert_dispatched!(app, Double));
    assert_eq!(nothing, "expected a dispatch of Double; there were 0. All dispatches:\n  none\n");
    app.scope(async { SendEmail::dispatch("bob", "hi").delay(minutes(1)).await }).await.unwrap();
    let other = message(|| assert_dispatched!(app, SendEmail { to, .. } if to == "ann", times = 2));
    let dispatched = "  send_email {\"to\":\"bob\",\"text\":\"hi\"}, queue `mail`, delay 60s\n";
    assert!(
        other.starts_with("expected 2 dispatches of SendEmail { to, .. } if to == \"ann\"; there were 0."),
        "{other}"
    );
    assert!(other.ends_with(dispatched), "{other}");
    let refuted = message(|| refute_dispatched!(app, SendEmail, queue = "mail"));
    let words = "expected no dispatch of SendEmail, queue `mail`; there were 1. All dispatches:\n";
    assert_eq!(refuted, format!("{words}{dispatched}"));
}

#[tokio::test]
#[should_panic(expected = "needs a state of type")]
async fn an_app_that_can_not_start_says_why() {
    TestApp::new(App::new()).await;
}
