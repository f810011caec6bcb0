//! Servers that restart, end sessions, or are away: the worker goes on by itself, and what was acknowledged is done once.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jobwork::store::postgres::Postgres;
use jobwork::store::{QueueLimit, WorkerState};
use jobwork::{App, JobState, Jobs, NewJob, State, job};
use jobwork_tests::Events;
use jobwork_tests::postgres::proxy::Proxy;
use jobwork_tests::postgres::{Private, fresh_schema};
use tokio::time::{sleep, timeout};

use super::setting::{LIMIT, until};

/// Takes a moment, so that many run at the same time.
#[job(retries = 0)]
async fn step(number: u32, events: State<Events>) {
    sleep(Duration::from_millis(u64::from(number % 20))).await;
    events.push(format!("ran {number}"));
}

fn app(jobs: &Jobs, events: &Events) -> App {
    App::new().jobs(jobs.clone()).state(events.clone())
}

async fn jobs(url: &str) -> Jobs {
    Jobs::new(Arc::new(Postgres::open(url).await.unwrap()))
}

/// How often each job ran.
fn runs(events: &Events) -> BTreeMap<u32, usize> {
    let mut runs = BTreeMap::new();
    for event in events.of(&["ran "]) {
        *runs.entry(event.trim_start_matches("ran ").parse().unwrap()).or_default() += 1;
    }
    runs
}

/// Waits until nothing is left to be done.
async fn all_ended(jobs: &Jobs) -> jobwork::store::Counts {
    until(async || {
        let counts = jobs.inspect().unwrap().counts(jobs.now()).await.ok()?;
        (counts.open() == 0).then_some(counts)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_job_runs_once_though_the_server_crashes_in_the_middle_of_work() {
    const JOBS: u32 = 2_000;
    let (server, events) = (Private::start().await, Events::default());
    let jobs = jobs(server.url()).await;
    Step::dispatch_many((0..JOBS).map(Step::new)).on(&jobs).await.unwrap();
    let worker = app(&jobs, &events).spawn().await.unwrap();
    for crash in 1..=2 {
        until(async || (events.of(&["ran "]).len() >= crash * 400).then_some(())).await;
        server.restart_immediate().await;
    }
    let counts = all_ended(&jobs).await;
    until(async || (worker.last_claim_age() < Duration::from_secs(2)).then_some(())).await;
    let report = worker.stop_and_wait().await;
    assert_eq!((counts.completed, report.completed, report.abandoned), (u64::from(JOBS), u64::from(JOBS), vec![]));
    assert_eq!(runs(&events), (0..JOBS).map(|number| (number, 1)).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_job_runs_once_though_every_session_is_ended_ten_times_a_second() {
    let (server, events) = (Private::start().await, Events::default());
    let jobs = jobs(server.url()).await;
    let worker = app(&jobs, &events).spawn().await.unwrap();
    let dispatching = tokio::spawn({
        let (jobs, end) = (jobs.clone(), Instant::now() + Duration::from_secs(10));
        async move {
            let (mut acknowledged, mut number) = (BTreeSet::new(), 0);
            while Instant::now() < end {
                // What failed may have been stored all the same, so each is tried once.
                if Step::dispatch(number).on(&jobs).await.is_ok() {
                    acknowledged.insert(number);
                }
                number += 1;
            }
            acknowledged
        }
    });
    let (mut ended, mut ticks) = (0, tokio::time::interval(Duration::from_millis(100)));
    while !dispatching.is_finished() {
        ticks.tick().await;
        ended += server.terminate_backends().await;
    }
    let acknowledged = dispatching.await.unwrap();
    assert!(ended > 100 && acknowledged.len() > 100, "{ended} sessions, {} jobs", acknowledged.len());
    let counts = all_ended(&jobs).await;
    until(async || (worker.last_claim_age() < Duration::from_secs(2)).then_some(())).await;
    let report = worker.stop_and_wait().await;
    let runs = runs(&events);
    assert!(
        runs.values().all(|times| *times == 1),
        "{:?}",
        runs.iter().filter(|(_, times)| **times > 1).collect::<Vec<_>>()
    );
    assert!(acknowledged.iter().all(|number| runs.contains_key(number)));
    assert_eq!((counts.completed, report.completed), (runs.len() as u64, runs.len() as u64));
    assert_eq!(report.abandoned, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_one_connection() {
    let (schema, events) = (fresh_schema().await, Events::default());
    let jobs = jobs(&format!("{}&connections=1", schema.url)).await;
    let worker = app(&jobs, &events).spawn().await.unwrap();
    let calls = (0..200).map(|number| {
        let jobs = jobs.clone();
        tokio::spawn(async move {
            let job = Step::dispatch(number).on(&jobs).await.unwrap();
            job.wait().await.unwrap();
            assert_eq!(job.status().await.unwrap(), JobState::Completed);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        timeout(LIMIT, call).await.unwrap().unwrap();
    }
    assert_eq!(runs(&events), (0..200).map(|number| (number, 1)).collect());
    worker.stop_and_wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_begins_when_its_server_comes() {
    let (server, events) = (Private::start().await, Events::default());
    server.stop().await;
    let jobs = jobs(server.url()).await;
    let error = Step::dispatch(0).on(&jobs).await.unwrap_err().to_string();
    assert!(error.contains("can't be reached") && !error.contains("stored"), "{error}");
    let worker = app(&jobs, &events).limit_queue("other", QueueLimit::new().concurrency(1)).spawn().await.unwrap();
    assert_eq!(worker.state(), WorkerState::Starting);
    server.start_again().await;
    timeout(LIMIT, worker.wait_for(WorkerState::Running)).await.unwrap();
    timeout(LIMIT, Step::dispatch(1).on(&jobs).await.unwrap().wait()).await.unwrap().unwrap();
    assert_eq!(events.all(), ["ran 1"]);
    worker.stop_and_wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_work_waits_for_its_server() {
    let server = Private::start().await;
    server.stop().await;
    let mut work = Command::new(env!("CARGO_BIN_EXE_cli_app"))
        .arg("work")
        .env("JOBWORK_URL", server.url())
        .env_remove("JOBWORK_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It has asked once when it is heard of no more: then only a worker that stays can perform the job.
    server.start_again().await;
    let jobs = jobs(server.url()).await;
    let job = jobs.push(vec![NewJob::new("greet", r#"["ann", 1]"#)]).await.unwrap()[0];
    let completed = async || (jobs.get(job).await.ok()??.state == JobState::Completed).then_some(());
    until(completed).await;
    assert!(Command::new("kill").args(["-TERM", &work.id().to_string()]).status().unwrap().success());
    assert!(work.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_is_waited_for() {
    let (schema, events) = (fresh_schema().await, Events::default());
    let proxy = Proxy::start(&schema.url).await;
    proxy.set_starting(true);
    let jobs = jobs(&proxy.url).await;
    let worker = app(&jobs, &events).spawn().await.unwrap();
    timeout(LIMIT, proxy.refused(5)).await.unwrap();
    proxy.set_starting(false);
    timeout(LIMIT, worker.wait_for(WorkerState::Running)).await.unwrap();
    timeout(LIMIT, Step::dispatch(1).on(&jobs).await.unwrap().wait()).await.unwrap().unwrap();
    worker.stop_and_wait().await;
}
