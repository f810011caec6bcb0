//! Error handlers: when they are called, with what, and that nothing they do changes the outcome.

use std::time::Duration;

use jobwork::{DeadReason, FailedJob, JobError, JobState, State, WhatNext, job};
use jobwork_tests::{Bench, Events};

/// The log of the app a failed job belongs to.
fn log(failed: &FailedJob) -> Events {
    Events::clone(&failed.job.state::<Events>().expect("every bench gives the log to its app"))
}

fn told(handler: &str, failed: &FailedJob, error: &JobError) -> String {
    let next = match &failed.next {
        WhatNext::Retry(_) => "retry".to_owned(),
        WhatNext::Dead(reason) => format!("dead, {reason}"),
        other => format!("{other:?}"),
    };
    format!("{handler}: attempt {} of {}, {error}, {next}", failed.job.attempt(), failed.job.name())
}

fn sync_handler(failed: FailedJob, error: JobError) {
    log(&failed).push(told("on_error", &failed, &error));
}

async fn async_handler(failed: FailedJob, error: JobError) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    log(&failed).push(told("on_dead", &failed, &error));
}

#[job(retries = 1, backoff = "10s", on_error = sync_handler, on_dead = async_handler)]
async fn fails() -> Result<(), String> {
    Err("no luck".to_owned())
}

#[tokio::test(start_paused = true)]
async fn on_error_is_called_for_every_failure_and_on_dead_for_the_last() {
    let bench = Bench::new();
    let job = Fails::dispatch().on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    job.wait().await.unwrap_err();
    worker.stop_and_wait().await;
    let calls = bench.events.of(&["on_"]);
    assert_eq!(
        calls,
        [
            "on_error: attempt 1 of fails, no luck, retry",
            "on_error: attempt 2 of fails, no luck, dead, no retries left",
            "on_dead: attempt 2 of fails, no luck, dead, no retries left",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_told_when_the_job_runs_again() {
    fn note(failed: FailedJob, _: JobError) {
        let WhatNext::Retry(at) = failed.next else { return };
        log(&failed).push(at.to_string());
    }
    #[job(retries = 1, backoff = "10s", on_error = note)]
    async fn fails_once() -> Result<(), String> {
        Err("no".to_owned())
    }
    let bench = Bench::new();
    let job = FailsOnce::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    let due = job.record().await.unwrap().run_at;
    assert_eq!(bench.events.count(&due.to_string()), 1, "{:?}", bench.events.all());
}

#[tokio::test(start_paused = true)]
async fn the_apps_handlers_are_called_in_addition_and_before_the_jobs_own() {
    let bench = Bench::new();
    let app = bench.app().on_error(|failed: FailedJob, _: JobError| log(&failed).push("on_first"));
    let app = app.on_error(async |failed: FailedJob, _: JobError| log(&failed).push("on_second"));
    Fails::dispatch().retries(0).on(&bench.jobs).await.unwrap();
    app.run_until_empty().await.unwrap();
    let calls: Vec<String> = bench.events.of(&["on_"]).iter().map(|call| call[..8].to_owned()).collect();
    assert_eq!(calls, ["on_first", "on_secon", "on_error", "on_dead:"]);
}

#[tokio::test(start_paused = true)]
async fn a_success_a_snooze_and_a_discard_are_no_failures() {
    #[job]
    async fn content(how: String) -> Result<(), JobError> {
        match how.as_str() {
            "snoozes" => Err(JobError::snooze(Duration::from_secs(60))),
            "discards" => Err(JobError::discard("too late")),
            _ => Ok(()),
        }
    }
    let bench = Bench::new();
    for how in ["succeeds", "snoozes", "discards"] {
        Content::dispatch(how).on(&bench.jobs).await.unwrap();
    }
    let app = bench.app().on_error(|failed: FailedJob, _: JobError| log(&failed).push("on_any"));
    app.run_until_empty().await.unwrap();
    assert_eq!(bench.events.count("on_any"), 0);
}

fn panics(failed: FailedJob, _: JobError) {
    log(&failed).push("on_error ran");
    panic!("the handler broke")
}

async fn panics_later(failed: FailedJob, _: JobError) {
    tokio::task::yield_now().await;
    log(&failed).push("on_dead ran");
    panic!("the handler broke")
}

#[job(retries = 0, on_error = panics, on_dead = panics_later)]
async fn badly_handled() -> Result<(), String> {
    Err("its own error".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_changes_nothing() {
    let bench = Bench::new();
    let job = BadlyHandled::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    bench.events.assert_order(&["on_error ran", "on_dead ran", "badly_handled dead"]);
    assert_eq!(job.status().await.unwrap(), JobState::Dead);
    assert_eq!(bench.story(job.id()).await, ["dead: its own error"]);
}

async fn fails_too(failed: FailedJob, _: JobError) -> Result<(), String> {
    log(&failed).push("on_error ran");
    Err("the pager is down".to_owned())
}

#[job(retries = 1, on_error = fails_too)]
async fn handled_in_vain() -> Result<(), String> {
    Err("its own error".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_changes_nothing() {
    let bench = Bench::new();
    let job = HandledInVain::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(bench.events.count("on_error ran"), 1);
    assert_eq!(bench.story(job.id()).await, ["failed: its own error"]);
    assert_eq!(job.status().await.unwrap(), JobState::Scheduled);
}

async fn hangs(_: FailedJob, _: JobError) {
    std::future::pending::<()>().await;
}

#[job(retries = 0, on_error = hangs)]
async fn handled_for_ever() -> Result<(), String> {
    Err("its own error".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_dropped_and_the_outcome_written() {
    let bench = Bench::new();
    let job = HandledForEver::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Dead);
}

/// The failure is known, and only its handler keeps the worker: it is not lost, and the job not run once more for it.
#[tokio::test(start_paused = true)]
async fn a_stop_that_overtakes_a_hanging_handler_keeps_the_failure() {
    let bench = Bench::new();
    let worker = bench.app().shutdown_timeout(Duration::from_secs(1)).spawn().await.unwrap();
    let job = HandledForEver::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("claimed handled_for_ever").await;
    worker.stop_and_wait().await;
    assert_eq!(job.status().await.unwrap(), JobState::Dead);
    assert_eq!(bench.story(job.id()).await, ["dead: its own error"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_can_not_be_decoded_is_dead_at_once_and_its_handlers_are_called() {
    #[job(on_error = sync_handler)]
    async fn picky(number: u32) {
        let _ = number;
    }
    let bench = Bench::new();
    let new = jobwork::NewJob::new("picky", r#"{"number":"seven"}"#);
    let id = bench.jobs.push(vec![new]).await.unwrap()[0];
    bench.app().run_until_empty().await.unwrap();
    let job = bench.record(id).await;
    assert_eq!((job.state, job.args.as_str()), (JobState::Dead, r#"{"number":"seven"}"#));
    assert_eq!(job.reason, Some(DeadReason::Undecodable.to_string()));
    assert_eq!(bench.events.of(&["on_error"]).len(), 1);
    let _ = Picky::dispatch(1);
}

#[job]
async fn follow_up(events: State<Events>) {
    events.push("followed up");
}

#[tokio::test(start_paused = true)]
async fn a_handler_dispatches_on_the_store_of_its_worker() {
    async fn compensate(_: FailedJob, _: JobError) -> jobwork::Result<()> {
        FollowUp::dispatch().await.map(drop)
    }
    #[job(retries = 0, on_error = compensate)]
    async fn needs_follow_up() -> Result<(), String> {
        Err("no".to_owned())
    }
    let (bench, other) = (Bench::new(), Bench::new());
    other.jobs.make_default();
    NeedsFollowUp::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!((bench.events.count("followed up"), other.events.all().len()), (1, 0));
}
