//! Batches, dispatched by the typed client and run by a worker.

use std::time::Duration;

use jobwork::{Batch, BatchHandle, Error, JobContext, JobError, JobState, NewJob, State, chain, job};
use jobwork_tests::{Bench, Events};

#[job(retries = 1, backoff = "10s")]
async fn row(how: String, events: State<Events>, job: JobContext) -> Result<u32, JobError> {
    events.push(format!("row {how}, attempt {}", job.attempt()));
    let batch = job.batch().expect("a member knows its batch");
    match how.as_str() {
        "fails once" if job.attempt() == 1 => Err(JobError::new("no luck")),
        "dies" => Err(JobError::dead("hopeless")),
        "discards" => Err(JobError::discard("too late")),
        "waits" => {
            job.cancel_signal().guard(std::future::pending::<()>()).await?;
            Ok(0)
        }
        "adds" => {
            batch.add(Row::dispatch("added")).await.map_err(|error| JobError::from_boxed(error.into()))?;
            batch
                .add(Batch::new("more").add_many(["one", "two"].map(Row::new)))
                .await
                .map_err(|error| JobError::from_boxed(error.into()))?;
            Ok(1)
        }
        _ => Ok(1),
    }
}

#[job]
async fn double(number: u32) -> Result<u32, JobError> {
    Ok(number * 2)
}

#[job]
async fn told(what: String, events: State<Events>, job: JobContext) -> Result<(), Error> {
    let batch = job.batch().expect("a callback knows its batch").progress().await?;
    events.push(format!("{what}: {} of {}, {} dead", batch.completed, batch.total, batch.dead));
    Ok(())
}

/// A batch of such rows, with every callback.
fn batch<const N: usize>(rows: [&str; N]) -> Batch {
    Batch::new("rows")
        .add_many(rows.map(Row::new))
        .on_complete(Told::dispatch("complete"))
        .on_success(Told::dispatch("success"))
        .on_death(Told::dispatch("death"))
}

async fn dispatch(bench: &Bench, batch: Batch) -> BatchHandle {
    batch.on(&bench.jobs).dispatch().await.unwrap()
}

/// What the callbacks said, in the order of the alphabet.
fn said(bench: &Bench) -> Vec<String> {
    let mut said = bench.events.of(&["complete:", "success:", "death:", "inner:"]);
    said.sort();
    said
}

#[tokio::test(start_paused = true)]
async fn a_batch_runs_and_calls_back() {
    let bench = Bench::new();
    let batch = dispatch(&bench, batch(["a", "b", "c"])).await;
    let report = bench.app().run_until_empty().await;
    assert_eq!(report.unwrap().completed, 5);
    assert_eq!(said(&bench), ["complete: 3 of 3, 0 dead", "success: 3 of 3, 0 dead"]);
    let batch = batch.wait().await.unwrap();
    assert_eq!((batch.pending, batch.open, batch.finished_at.is_some()), (0, 0, true));
}

#[tokio::test(start_paused = true)]
async fn complete_comes_before_the_retry_and_success_after_it() {
    let bench = Bench::new();
    dispatch(&bench, batch(["fails once"])).await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench), ["complete: 0 of 1, 0 dead"]);
    tokio::time::advance(Duration::from_secs(60)).await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench), ["complete: 0 of 1, 0 dead", "success: 1 of 1, 0 dead"]);
}

#[tokio::test(start_paused = true)]
async fn a_death_is_told_and_retrying_all_that_failed_works() {
    let bench = Bench::new();
    let batch = dispatch(&bench, batch(["dies", "dies", "a"])).await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench), ["complete: 1 of 3, 2 dead", "death: 1 of 3, 2 dead"]);
    assert_eq!((batch.retry_failed().await.unwrap(), batch.progress().await.unwrap().dead), (2, 0));
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench).len(), 2, "nobody is told twice");
}

#[tokio::test(start_paused = true)]
async fn a_discarded_member_cancels_the_success() {
    let bench = Bench::new();
    let batch = dispatch(&bench, batch(["discards"])).await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench), ["complete: 0 of 1, 0 dead"]);
    let success = bench.record(batch.progress().await.unwrap().on_success.unwrap()).await;
    assert_eq!(success.state, JobState::Cancelled);
    assert!(success.reason.unwrap().ends_with("was discarded: too late"));
}

#[tokio::test(start_paused = true)]
async fn a_member_adds_jobs_and_batches_to_its_batch() {
    let bench = Bench::new();
    let batch = dispatch(&bench, batch(["adds"])).await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench), ["complete: 3 of 3, 0 dead", "success: 3 of 3, 0 dead"]);
    let closed = batch.add(Row::dispatch("late")).await.unwrap_err();
    assert!(matches!(closed, Error::BatchClosed(id) if id == batch.id()), "{closed}");
}

#[tokio::test(start_paused = true)]
async fn chains_and_batches_are_members() {
    let bench = Bench::new();
    let inner = Batch::new("inner").add(Row::dispatch("b")).on_complete(Told::dispatch("inner"));
    let batch = batch(["a"]).add(chain![Row("c"), Double].dispatch()).add(inner);
    let batch = dispatch(&bench, batch).await;
    assert_eq!(batch.progress().await.unwrap().total, 4);
    bench.app().run_until_empty().await.unwrap();
    let told = ["complete: 4 of 4, 0 dead", "inner: 1 of 1, 0 dead", "success: 4 of 4, 0 dead"];
    assert_eq!(said(&bench), told);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_batch_ends_its_running_members_too() {
    let bench = Bench::new();
    let inner = Batch::new("inner").add(Row::dispatch("later").delay(Duration::from_secs(60)));
    let later = batch(["waits"]).add(Row::dispatch("later").delay(Duration::from_secs(60))).add(inner);
    let batch = dispatch(&bench, later).await;
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("row waits, attempt 1").await;
    assert_eq!(batch.cancel().await.unwrap(), 3);
    let ended = batch.wait().await.unwrap();
    assert_eq!((ended.total, ended.cancelled, ended.completed), (3, 3, 0));
    bench.events.wait("complete: 0 of 3, 0 dead").await;
    worker.stop_and_wait().await;
    assert_eq!(said(&bench), ["complete: 0 of 3, 0 dead"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_calls_back() {
    let bench = Bench::new();
    dispatch(&bench, batch([])).await.wait().await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(said(&bench), ["complete: 0 of 0, 0 dead", "success: 0 of 0, 0 dead"]);
}

#[tokio::test(start_paused = true)]
async fn hooks_see_members_and_callbacks() {
    let bench = Bench::new();
    let seen = Events::default();
    let log = seen.clone();
    let jobs = bench.jobs.clone().on_dispatch(move |job: &mut NewJob| {
        log.push(job.name.to_string());
        Ok::<_, std::io::Error>(())
    });
    batch(["a"]).on(&jobs).dispatch().await.unwrap();
    assert_eq!(seen.all(), ["row", "told", "told", "told"]);
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_found_by_id() {
    let bench = Bench::new();
    let batch = dispatch(&bench, batch(["a"])).await;
    assert_eq!(bench.jobs.batch(batch.id()).progress().await.unwrap().description, "rows");
    let members = bench.jobs.list(&Default::default()).await.unwrap();
    for job in members {
        bench.jobs.delete(job.id).await.unwrap();
    }
    let gone = batch.wait().await.unwrap_err();
    assert!(matches!(gone, Error::NoSuchBatch(id) if id == batch.id()), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn more_members_than_a_page_are_cancelled_and_retried() {
    let bench = Bench::new();
    let batch = dispatch(&bench, Batch::new("many").add_many((0..1_200).map(|_| Row::new("dies")))).await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(batch.retry_failed().await.unwrap(), 1_200);
    assert_eq!(batch.cancel().await.unwrap(), 1_200);
    assert_eq!(batch.progress().await.unwrap().cancelled, 1_200);
}
