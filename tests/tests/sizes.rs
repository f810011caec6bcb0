//! The limit of what is stored of a job: its arguments, and its output.

use std::sync::Arc;
use std::time::Duration;

use jobwork::store::{Beat, BeatKind, Claim, Filter, Served, WorkerInfo, WorkerState};
use jobwork::{Error, Job, JobState, Jobs, NewJob, WorkerId, chain, job};
use jobwork_tests::Bench;
use tempfile::TempDir;

#[job]
async fn load_rows(rows: String) -> Result<String, String> {
    Ok(rows)
}

#[job]
async fn publish(rows: String, place: String) {
    let _ = (rows, place);
}

/// Arguments of `load_rows` with so many bytes of JSON.
fn of_size(bytes: usize) -> String {
    "x".repeat(bytes - r#"{"rows":""}"#.len())
}

/// A bench whose client stores no more than 100 bytes.
fn bench() -> (Bench, Jobs) {
    let bench = Bench::new();
    let jobs = bench.jobs.clone().with_max_size(100);
    (bench, jobs)
}

async fn stored(jobs: &Jobs) -> usize {
    jobs.list(&Filter::default()).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn arguments_over_the_limit_are_refused_at_dispatch() {
    let (_bench, jobs) = bench();
    LoadRows::dispatch(of_size(100)).on(&jobs).await.unwrap();
    let refused = LoadRows::dispatch(of_size(101)).on(&jobs).await.unwrap_err();
    assert!(matches!(refused, Error::ArgumentsTooLarge { number: None, size: 101, limit: 100, .. }), "{refused:?}");
    let told = "the arguments of job `load_rows` have 101 bytes of JSON, expected at most 100: keep what is large in a file \
        or a table and pass its name, or raise the limit with `Jobs::with_max_size`";
    assert_eq!(refused.to_string(), told);
    assert_eq!(stored(&jobs).await, 1);
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_ten_megabytes_where_nobody_said_otherwise() {
    let bench = Bench::new();
    LoadRows::dispatch(of_size(10_000_000)).on(&bench.jobs).await.unwrap();
    let refused = LoadRows::dispatch(of_size(10_000_001)).on(&bench.jobs).await.unwrap_err();
    assert!(matches!(refused, Error::ArgumentsTooLarge { size: 10_000_001, limit: 10_000_000, .. }), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_of_many_is_refused_whole_and_says_which_job_is_too_large() {
    let (_bench, jobs) = bench();
    let many = [10, 20, 101, 30].map(|size| LoadRows::new(of_size(size.max(20))));
    let refused = LoadRows::dispatch_many(many).on(&jobs).await.unwrap_err();
    assert!(matches!(refused, Error::ArgumentsTooLarge { number: Some(3), size: 101, .. }), "{refused:?}");
    assert!(
        refused.to_string().starts_with("the arguments of job `load_rows`, number 3 of the dispatch, have 101 bytes")
    );
    let pushed = vec![NewJob::new("a", "{}"), NewJob::new("b", format!("[{}]", "1,".repeat(100)))];
    let refused = jobs.push(pushed).await.unwrap_err();
    assert!(matches!(&refused, Error::ArgumentsTooLarge { job, number: Some(2), .. } if job == "b"), "{refused:?}");
    assert_eq!(stored(&jobs).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_chain_with_a_step_over_the_limit_is_refused_whole() {
    let (_bench, jobs) = bench();
    let chain = chain![LoadRows, Publish(_, "p".repeat(100))];
    let refused = chain.dispatch("rows").on(&jobs).await.unwrap_err();
    assert!(
        matches!(&refused, Error::ArgumentsTooLarge { job, number: Some(2), .. } if job == "publish"),
        "{refused:?}"
    );
    assert_eq!(stored(&jobs).await, 0);
}

#[job(retries = 1, backoff = "1s")]
async fn swells() -> Result<String, String> {
    Ok("x".repeat(99))
}

#[job]
async fn fits() -> Result<String, String> {
    Ok("x".repeat(98))
}

#[tokio::test(start_paused = true)]
async fn an_output_over_the_limit_fails_the_attempt_like_any_error() {
    let (bench, jobs) = bench();
    let worker = bench.app().jobs(jobs.clone()).spawn().await.unwrap();
    let job = Swells::dispatch().on(&jobs).await.unwrap();
    job.wait().await.unwrap_err();
    let story = bench.story(job.id()).await;
    assert_eq!(story.len(), 2, "{story:?}");
    assert!(story[0].starts_with("failed: the output of job `swells` has 101 bytes of JSON, expected at most 100"));
    assert!(story[1].starts_with("dead: the output of job `swells` has 101 bytes of JSON, expected at most 100"));
    Fits::dispatch().on(&jobs).await.unwrap().wait().await.unwrap();
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn an_output_that_was_stored_reaches_the_next_step_whatever_its_arguments_grow_to() {
    let (bench, jobs) = bench();
    let worker = bench.app().jobs(jobs.clone()).spawn().await.unwrap();
    let steps = chain![LoadRows, Publish(_, "p".repeat(60))].dispatch("r".repeat(80)).on(&jobs).await.unwrap();
    steps.wait().await.unwrap();
    let filter = Filter { name: Some("publish".to_owned()), ..Filter::default() };
    let step = jobs.list(&filter).await.unwrap().remove(0);
    assert_eq!((step.state, step.args.len() > 100), (JobState::Completed, true));
    worker.stop_and_wait().await;
}

#[tokio::test]
async fn a_claim_takes_no_more_from_a_file_than_can_be_held_in_memory() {
    let folder = TempDir::new().unwrap();
    let jobs = Jobs::connect(&format!("sqlite:{}", folder.path().join("jobs.db").display())).await.unwrap();
    for _ in 0..6 {
        LoadRows::dispatch(of_size(9_000_000)).on(&jobs).await.unwrap();
    }
    let (store, id, now) = (jobs.store(), WorkerId::fresh(), jobs.now());
    let (host, queues) = ("here".to_owned(), Vec::new());
    let worker = Arc::new(WorkerInfo { id, host, pid: 1, queues, concurrency: 100, started_at: now });
    let (kind, state, lease) = (BeatKind::Join, WorkerState::Running, Duration::from_secs(60));
    store.beat(Beat { worker, kind, state, running: 0, lease, now }).await.unwrap();
    let claim = Claim::new(id, Arc::new([Served { name: LoadRows::NAME.to_owned(), version: 1 }]), 100, now);
    let first = store.claim(claim.clone()).await.unwrap();
    assert_eq!(first.jobs.len(), 4);
    assert!(first.next_due.is_some_and(|due| due <= now), "it is worth another look at once");
    let second = store.claim(claim).await.unwrap();
    assert_eq!((second.jobs.len(), second.next_due), (2, None));
}
