//! Jobs on a schedule: which ticks run, how often, and on which worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::memory::Memory;
use jobwork::store::{ScheduleRecord, WorkerState};
use jobwork::{
    App, Clock, Cron, Handling, Job, JobContext, JobError, Jobs, Missed, Perform, Record, State, WorkerHandle, chain,
    job,
};
use jobwork_tests::{Bench, Events};
use tokio::time::sleep;

#[job]
async fn report(country: String, job: JobContext, events: State<Events>) {
    let tick = job.tick().map_or_else(|| "no tick".to_owned(), |tick| tick.to_string());
    events.push(format!("{country} {tick}"));
}

#[job]
async fn letters() -> Result<String, JobError> {
    Ok("letters".to_owned())
}

/// A job that brings its schedule along, as `#[job(cron = "..")]` writes it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Nightly {}

impl Job for Nightly {
    type Output = ();
    type Params = ();
    const NAME: &'static str = "nightly";
    const FIELDS: &'static [&'static str] = &[];
}

impl Perform for Nightly {
    fn handling() -> Handling {
        let cron = Cron::new(Self::NAME, "0 3 * * *", || jobwork::Dispatch::new(Self {}));
        Handling::new().cron(cron.tz("Europe/Vienna").missed(Missed::Once))
    }

    async fn perform(self, job: JobContext) -> Result<(), JobError> {
        let events = job.state::<Events>().ok_or_else(|| JobError::dead("no log"))?;
        events.push(format!("nightly {}", job.tick().ok_or_else(|| JobError::dead("no tick"))?));
        Ok(())
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A bench whose time begins here, and passes with tokio's.
fn bench_at(start: &str) -> Bench {
    let (start, begun): (Timestamp, _) = (start.parse().unwrap(), tokio::time::Instant::now());
    let mut bench = Bench::new();
    bench.jobs = bench.jobs.with_clock(Clock::from_fn(move || start + begun.elapsed()));
    bench
}

/// An app that reports on Austria at these times.
fn reports(bench: &Bench, expression: &str, missed: Missed) -> App {
    bench.app().schedule(Cron::new("reports", expression, || Report::dispatch("at")).missed(missed))
}

async fn schedule(bench: &Bench) -> ScheduleRecord {
    bench.jobs.schedules().await.unwrap().remove(0)
}

async fn jobs(bench: &Bench) -> Vec<Record> {
    bench.jobs.list(&Default::default()).await.unwrap()
}

/// The ticks that ran, in their order.
fn ran(bench: &Bench) -> Vec<String> {
    bench.events.of(&["at ", "nightly "])
}

#[tokio::test(start_paused = true)]
async fn a_tick_runs_once_over_three_workers() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let worker = || reports(&bench, "* * * * *", Missed::Skip).spawn();
    let workers = [worker().await.unwrap(), worker().await.unwrap(), worker().await.unwrap()];
    sleep(5 * MINUTE).await;
    assert_eq!(ran(&bench), (1..=5).map(|minute| format!("at 2027-05-01T00:0{minute}:00Z")).collect::<Vec<_>>());
    for worker in workers {
        worker.stop_and_wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_knows_its_tick_and_is_found_by_its_schedule() {
    let bench = bench_at("2027-05-01T00:00:30.25Z");
    let worker = reports(&bench, "* * * * *", Missed::Skip).spawn().await.unwrap();
    bench.events.wait("at 2027-05-01T00:01:00Z").await;
    let job = jobs(&bench).await.remove(0);
    assert_eq!(job.run_at.to_string(), "2027-05-01T00:01:00Z");
    assert_eq!(job.tags, ["cron:reports", "tick:2027-05-01T00:01:00Z"]);
    assert_eq!(job.created_at.duration_since(job.run_at).as_secs(), 0, "it is made when its tick comes");
    let own = Report::dispatch("by hand").on(&bench.jobs).await.unwrap();
    own.wait().await.unwrap();
    assert_eq!(bench.events.count("by hand no tick"), 1);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_dispatch_says_counts_from_the_tick() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let late = || Report::dispatch("late").queue("slow").priority(7).delay(HOUR).tag("mine");
    let worker = bench.app().cron("late", "* * * * *", late).spawn().await.unwrap();
    sleep(MINUTE).await;
    let job = jobs(&bench).await.remove(0);
    assert_eq!((&*job.queue, job.priority, &*job.tags[0]), ("slow", 7, "mine"));
    assert_eq!(job.run_at.to_string(), "2027-05-01T01:01:00Z");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_may_dispatch_a_chain_or_many() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let app = bench.app().cron("chain", "1 * * * *", || chain![Letters(), Report].dispatch());
    let app = app.cron("many", "2 * * * *", || Report::dispatch_many(["at", "de"].map(Report::new)));
    let worker = app.spawn().await.unwrap();
    bench.events.wait("letters 2027-05-01T00:01:00Z").await;
    bench.events.wait("at 2027-05-01T00:02:00Z").await;
    bench.events.wait("de 2027-05-01T00:02:00Z").await;
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_brings_its_schedule_along() {
    let bench = bench_at("2027-03-28T00:59:00Z");
    let worker = bench.app().register::<Nightly>().spawn().await.unwrap();
    bench.events.wait("nightly 2027-03-28T01:00:00Z").await;
    let nightly = schedule(&bench).await;
    assert_eq!((&*nightly.name, &*nightly.job, nightly.missed), ("nightly", "nightly", Missed::Once));
    worker.stop_and_wait().await;
}

/// What a worker runs of a schedule in Vienna in the two hours after this.
async fn night(expression: &str, start: &str) -> Vec<String> {
    let bench = bench_at(start);
    let at = Cron::new("reports", expression, || Report::dispatch("at")).tz("Europe/Vienna");
    let worker = bench.app().schedule(at).spawn().await.unwrap();
    sleep(2 * HOUR).await;
    worker.stop_and_wait().await;
    ran(&bench)
}

#[tokio::test(start_paused = true)]
async fn a_night_without_half_past_two_runs_it_at_three() {
    assert_eq!(night("30 2 * * *", "2027-03-28T00:10:00Z").await, ["at 2027-03-28T01:00:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_night_with_two_half_past_twos_runs_the_first() {
    assert_eq!(night("30 2 * * *", "2027-10-31T00:10:00Z").await, ["at 2027-10-31T00:30:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn an_hourly_schedule_stays_hourly_in_both() {
    let hours = |day: &str, hours: [u8; 2]| hours.map(|hour| format!("at 2027-{day}T0{hour}:30:00Z"));
    assert_eq!(night("30 * * * *", "2027-03-28T00:10:00Z").await, hours("03-28", [0, 1]));
    assert_eq!(night("30 * * * *", "2027-10-31T00:10:00Z").await, hours("10-31", [0, 1]));
}

/// A worker that has declared its schedules.
async fn started(app: App, bench: &Bench) -> WorkerHandle {
    let worker = app.spawn().await.unwrap();
    while bench.jobs.schedules().await.unwrap().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    worker
}

/// Lets a worker make a schedule known, and another one come five hours and a half later.
async fn away(bench: &Bench, missed: Missed) {
    started(reports(bench, "0 * * * *", missed), bench).await.stop_and_wait().await;
    sleep(5 * HOUR + 30 * MINUTE).await;
    let worker = reports(bench, "0 * * * *", missed).spawn().await.unwrap();
    sleep(MINUTE).await;
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn missed_ticks_are_skipped() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    away(&bench, Missed::Skip).await;
    assert!(ran(&bench).is_empty(), "{:?}", ran(&bench));
}

#[tokio::test(start_paused = true)]
async fn missed_ticks_run_once_if_wanted() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    away(&bench, Missed::Once).await;
    assert_eq!(ran(&bench), ["at 2027-05-01T05:00:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn missed_ticks_are_filled_up_to_the_horizon() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    away(&bench, Missed::Fill(3 * HOUR)).await;
    assert_eq!(ran(&bench), [3, 4, 5].map(|hour| format!("at 2027-05-01T0{hour}:00:00Z")));
}

#[tokio::test(start_paused = true)]
async fn many_missed_ticks_are_filled_without_a_pause() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let fill = || reports(&bench, "* * * * *", Missed::Fill(24 * HOUR));
    started(fill(), &bench).await.stop_and_wait().await;
    sleep(10 * HOUR).await;
    let worker = started(fill(), &bench).await;
    sleep(Duration::from_secs(15)).await;
    assert_eq!(ran(&bench).len(), 600);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_came_during_a_short_restart_is_not_missed() {
    let bench = bench_at("2027-05-01T00:59:30Z");
    started(reports(&bench, "0 * * * *", Missed::Skip), &bench).await.stop_and_wait().await;
    sleep(Duration::from_secs(70)).await;
    let worker = reports(&bench, "0 * * * *", Missed::Skip).spawn().await.unwrap();
    bench.events.wait("at 2027-05-01T01:00:00Z").await;
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_repeats_no_tick() {
    let bench = bench_at("2027-05-01T00:59:30Z");
    for _ in 0..3 {
        let worker = reports(&bench, "0 * * * *", Missed::Fill(24 * HOUR)).spawn().await.unwrap();
        sleep(MINUTE).await;
        worker.stop_and_wait().await;
    }
    assert_eq!(ran(&bench), ["at 2027-05-01T01:00:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn pausing_resuming_and_editing_take_effect_while_it_works() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let worker = reports(&bench, "* * * * *", Missed::Fill(24 * HOUR)).spawn().await.unwrap();
    bench.events.wait("at 2027-05-01T00:01:00Z").await;
    bench.jobs.pause_schedule("reports").await.unwrap();
    sleep(5 * MINUTE).await;
    assert_eq!(ran(&bench).len(), 1);
    bench.jobs.resume_schedule("reports").await.unwrap();
    bench.events.wait("at 2027-05-01T00:07:00Z").await;
    assert_eq!(ran(&bench).len(), 2, "what it slept through is not made up for");
    bench.jobs.edit_schedule("reports", "30 2 * * *", Some("Europe/Vienna")).await.unwrap();
    sleep(HOUR).await;
    assert_eq!(ran(&bench)[2..], ["at 2027-05-01T00:30:00Z"]);
    bench.jobs.reset_schedule("reports").await.unwrap();
    sleep(2 * MINUTE + MINUTE / 2).await;
    assert_eq!(ran(&bench).len(), 5);
    bench.jobs.remove_schedule("reports").await.unwrap();
    sleep(5 * MINUTE).await;
    assert_eq!(ran(&bench).len(), 5);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_asked_for_is_made_once_within_a_second() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let worker = || reports(&bench, "@yearly", Missed::Once);
    let workers = [started(worker(), &bench).await, started(worker(), &bench).await];
    bench.jobs.run_schedule("reports").await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let runs = ran(&bench);
    assert!(runs.len() == 1 && runs[0].starts_with("at 2027-05-01T00:00:3"), "{runs:?}");
    assert_eq!((schedule(&bench).await.asked, schedule(&bench).await.last_tick), (None, None));
    for worker in workers {
        worker.stop_and_wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_edit_is_refused_and_says_why() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    started(reports(&bench, "@daily", Missed::Skip), &bench).await.stop_and_wait().await;
    let edit =
        async |name, expression, zone| bench.jobs.edit_schedule(name, expression, zone).await.unwrap_err().to_string();
    let wrong = edit("reports", "0 0 30 2 *", None).await;
    assert_eq!(wrong, "schedule `reports`: the cron expression `0 0 30 2 *` never comes: no date fits it");
    assert!(edit("reports", "@daily", Some("Vienna")).await.contains("there is no time zone `Vienna`"));
    assert!(edit("report", "@daily", None).await.starts_with("there is no schedule `report`"));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_stops_no_other_schedule() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let fails = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Err::<jobwork::Dispatch<Report>, _>("no countries left")
    };
    let panics = || -> jobwork::Dispatch<Report> { panic!("no country at all") };
    let app = reports(&bench, "* * * * *", Missed::Skip).cron("fails", "* * * * *", fails).cron(
        "panics",
        "* * * * *",
        panics,
    );
    let worker = app.spawn().await.unwrap();
    bench.events.wait("at 2027-05-01T00:01:00Z").await;
    bench.events.wait("at 2027-05-01T00:02:00Z").await;
    assert_eq!(calls.load(Ordering::Relaxed), 2, "a tick that made nothing is past");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn dispatch_hooks_see_the_jobs_of_a_schedule() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let app = reports(&bench, "* * * * *", Missed::Skip).on_dispatch(|job| {
        job.tags.push("seen".to_owned());
        Ok::<(), &str>(())
    });
    let worker = app.spawn().await.unwrap();
    bench.events.wait("at 2027-05-01T00:01:00Z").await;
    assert_eq!(jobs(&bench).await[0].tags.last().unwrap(), "seen");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_worker_runs_no_ticks() {
    let bench = bench_at("2027-05-01T00:00:30Z");
    let worker = reports(&bench, "* * * * *", Missed::Skip).spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    worker.quiet();
    worker.wait_for(WorkerState::Quiet).await;
    sleep(5 * MINUTE).await;
    assert!(jobs(&bench).await.is_empty());
    worker.resume();
    sleep(MINUTE).await;
    assert!(!jobs(&bench).await.is_empty());
    worker.stop_and_wait().await;
    let stored = jobs(&bench).await.len();
    sleep(5 * MINUTE).await;
    assert_eq!(jobs(&bench).await.len(), stored, "nor does one that has stopped");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_works_off_what_there_is_runs_no_ticks() {
    let bench = bench_at("2027-05-01T00:00:00Z");
    reports(&bench, "* * * * * *", Missed::Once).run_until_empty().await.unwrap();
    assert!(bench.jobs.schedules().await.unwrap().is_empty() && jobs(&bench).await.is_empty());
}

#[tokio::test]
async fn wrong_schedules_keep_a_worker_from_starting_and_are_all_named() {
    let app = App::new().jobs(Jobs::new(Arc::new(Memory::new()))).state(Events::default());
    let app = app.cron("a", "nightly", Letters::dispatch).cron("b", "@daily", Letters::dispatch);
    let app = app.schedule(Cron::new("c", "@daily", Letters::dispatch).tz("Mars/Base")).cron(
        "b",
        "@daily",
        Letters::dispatch,
    );
    let error = app.run_until_empty().await.unwrap_err().to_string();
    for part in [
        "schedule `a`: `nightly` is no cron expression: expected five fields",
        "schedule `c`: there is no time zone `Mars/Base`",
        "two schedules are named `b`",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn the_compiler_and_the_worker_read_every_length_alike() {
    let (worker, compiler) =
        (include_str!("../../jobwork/src/job/every.rs"), include_str!("../../jobwork-macros/src/every.rs"));
    assert!(worker == compiler, "jobwork-macros/src/every.rs has to be jobwork/src/job/every.rs: copy it");
}
