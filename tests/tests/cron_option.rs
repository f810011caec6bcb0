//! Jobs that `#[job(cron = "..")]` dispatches. They have a binary of their own, because every app in it finds them.

use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::ScheduleRecord;
use jobwork::testing::TestApp;
use jobwork::{App, Clock, JobContext, JobError, Missed, State, WorkerHandle, job};
use jobwork_tests::{Bench, Events};
use tokio::time::{Instant, sleep};

const HOUR: Duration = Duration::from_secs(3600);

fn note(what: &str, job: &JobContext, events: &Events) -> Result<(), JobError> {
    let tick = job.tick().ok_or_else(|| JobError::dead("no tick"))?;
    events.push(format!("{what} {tick}"));
    Ok(())
}

#[job(cron = "30 2 * * *", tz = "Europe/Vienna", missed = "once")]
async fn nightly(job: JobContext, events: State<Events>) -> Result<(), JobError> {
    note("nightly", &job, &events)
}

#[job(name = "every.hour", queue = "slow", cron = "@every 1h", missed = "3h")]
async fn hourly(job: JobContext, events: State<Events>) -> Result<(), JobError> {
    note("hourly", &job, &events)
}

#[job(cron = "0 0 12 1 * *")]
async fn monthly(job: JobContext, events: State<Events>) -> Result<(), JobError> {
    note("monthly", &job, &events)
}

/// A bench whose time begins here, and passes with tokio's.
fn bench_at(start: &str) -> Bench {
    let (start, begun): (Timestamp, _) = (start.parse().unwrap(), Instant::now());
    let mut bench = Bench::new();
    bench.jobs = bench.jobs.with_clock(Clock::from_fn(move || start + begun.elapsed()));
    bench
}

/// A worker that has declared its schedules.
async fn started(bench: &Bench) -> WorkerHandle {
    let worker = bench.app().spawn().await.unwrap();
    while bench.jobs.schedules().await.unwrap().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    worker
}

#[tokio::test(start_paused = true)]
async fn a_worker_declares_them_with_all_that_the_attribute_says() {
    let bench = bench_at("2027-05-01T00:10:00Z");
    started(&bench).await.stop_and_wait().await;
    let told = |it: &ScheduleRecord| {
        (it.name.clone(), it.job.clone(), it.due.expression.clone(), it.due.zone.clone(), it.missed)
    };
    let mut schedules: Vec<_> = bench.jobs.schedules().await.unwrap().iter().map(told).collect();
    schedules.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("every.hour", "@every 1h", "UTC", Missed::Fill(3 * HOUR)),
        ("monthly", "0 0 12 1 * *", "UTC", Missed::Skip),
        ("nightly", "30 2 * * *", "Europe/Vienna", Missed::Once),
    ];
    let expected = expected
        .map(|(name, due, zone, missed)| (name.to_owned(), name.to_owned(), due.to_owned(), zone.to_owned(), missed));
    assert_eq!(schedules, expected);
}

#[tokio::test(start_paused = true)]
async fn each_runs_when_it_is_due_in_its_zone() {
    let bench = bench_at("2027-05-01T00:10:00Z");
    let worker = started(&bench).await;
    sleep(HOUR).await;
    bench.events.assert_order(&["nightly 2027-05-01T00:30:00Z", "hourly 2027-05-01T01:00:00Z"]);
    let jobs = bench.jobs.list(&Default::default()).await.unwrap();
    let hourly = jobs.iter().find(|job| job.name == "every.hour").unwrap();
    assert_eq!((&*hourly.queue, &*hourly.tags[0]), ("slow", "cron:every.hour"));
    assert_eq!(jobs.len(), 2);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_made_up_for_as_each_says() {
    let bench = bench_at("2027-04-30T23:50:00Z");
    started(&bench).await.stop_and_wait().await;
    sleep(29 * HOUR).await;
    let worker = started(&bench).await;
    bench.events.wait("hourly 2027-05-02T04:00:00Z").await;
    bench.events.wait("nightly 2027-05-02T00:30:00Z").await;
    assert_eq!(bench.events.of(&["hourly"]), [2, 3, 4].map(|hour| format!("hourly 2027-05-02T0{hour}:00:00Z")));
    assert_eq!(bench.events.of(&["nightly 2", "monthly 2"]), ["nightly 2027-05-02T00:30:00Z"]);
    worker.stop_and_wait().await;
}

#[tokio::test]
async fn a_test_app_has_them_too() {
    let events = Events::default();
    let app = TestApp::at(App::new().state(events.clone()), "2027-05-31T23:45:00Z".parse().unwrap()).await;
    app.advance(13 * HOUR).await;
    assert_eq!(events.of(&["hourly"]).len(), 13);
    assert_eq!(events.of(&["nightly", "monthly"]), ["nightly 2027-06-01T00:30:00Z", "monthly 2027-06-01T12:00:00Z"]);
}
