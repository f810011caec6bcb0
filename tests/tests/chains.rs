//! What becomes of the rest of a chain, by a worker's own hand.

use std::time::Duration;

use jobwork::{CancelSignal, Cancelled, FailedJob, JobError, JobState, State, WaitError, chain, job, named_chain};
use jobwork_tests::{Bench, Events};

#[job(retries = 1, backoff = "10s")]
async fn first(how: String, events: State<Events>, job: jobwork::JobContext) -> Result<u32, JobError> {
    events.push(format!("first, attempt {}", job.attempt()));
    let snoozed = events.count("first, attempt 1") > 1;
    match how.as_str() {
        "fails once" if job.attempt() == 1 => Err(JobError::new("no luck")),
        "fails" => Err(JobError::new("no luck")),
        "dies" => Err(JobError::dead("hopeless")),
        "discards" => Err(JobError::discard("too late")),
        "snoozes" if !snoozed => Err(JobError::snooze(Duration::from_secs(60))),
        "waits" => {
            job.cancel_signal().guard(std::future::pending::<()>()).await?;
            Ok(0)
        }
        _ => Ok(20),
    }
}

#[job]
async fn double(number: u32, events: State<Events>) -> Result<u32, JobError> {
    events.push(format!("double {number}"));
    Ok(number * 2)
}

#[job]
async fn label(number: u32, text: String) -> Result<String, JobError> {
    Ok(format!("{text} {number}"))
}

type Pipeline = jobwork::ChainHandle<String>;

async fn dispatch(bench: &Bench, how: &str) -> Pipeline {
    chain![First, Double, Label(_, "number")].dispatch(how).on(&bench.jobs).await.unwrap()
}

async fn states(chain: &Pipeline) -> Vec<JobState> {
    chain.members().await.unwrap().iter().map(|member| member.state).collect()
}

use JobState::{Cancelled as Gone, Completed, Dead, Discarded, Ready, Scheduled, Waiting};

#[tokio::test(start_paused = true)]
async fn each_step_is_given_the_output_of_the_one_before() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "succeeds").await;
    assert_eq!(states(&chain).await, [Ready, Waiting, Waiting]);
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.completed, chain.wait().await.unwrap().as_str()), (3, "number 40"));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_fails_is_retried_while_the_rest_waits() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "fails once").await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(states(&chain).await, [Scheduled, Waiting, Waiting]);
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(chain.wait().await.unwrap(), "number 40");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_member_blocks_the_rest_until_it_is_retried_by_hand() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "dies").await;
    bench.app().run_until_empty().await.unwrap();
    let members = chain.members().await.unwrap();
    assert_eq!(states(&chain).await, [Dead, Waiting, Waiting]);
    assert_eq!(members.iter().map(|member| member.blocked).collect::<Vec<_>>(), [false, true, true]);
    assert!(matches!(chain.wait().await, Err(WaitError::Dead { id, .. }) if id == chain.id()));
    assert!(bench.jobs.retry(chain.id()).await.unwrap());
    assert_eq!(states(&chain).await, [Ready, Waiting, Waiting]);
    assert!(chain.members().await.unwrap().iter().all(|member| !member.blocked));
}

#[tokio::test(start_paused = true)]
async fn a_member_without_retries_left_blocks_the_rest() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "fails").await;
    let worker = bench.app().spawn().await.unwrap();
    assert!(matches!(chain.wait().await, Err(WaitError::Dead { .. })));
    worker.stop_and_wait().await;
    assert_eq!(states(&chain).await, [Dead, Waiting, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_discarded_member_cancels_the_rest_with_its_reason() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "discards").await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(states(&chain).await, [Discarded, Gone, Gone]);
    let last = chain.members().await.unwrap().remove(2);
    assert!(last.reason.as_deref().is_some_and(|reason| reason.contains("too late")), "{:?}", last.reason);
}

#[tokio::test(start_paused = true)]
async fn a_snoozed_member_keeps_the_rest_waiting() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "snoozes").await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(states(&chain).await, [Scheduled, Waiting, Waiting]);
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(chain.wait().await.unwrap(), "number 40");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_member_keeps_the_rest_waiting() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "waits").await;
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("first, attempt 1").await;
    worker.stop_now();
    worker.stopped().await;
    assert_eq!(states(&chain).await, [Ready, Waiting, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_rescued_member_keeps_the_rest_waiting() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "waits").await;
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("first, attempt 1").await;
    bench.declare_dead().await;
    assert_eq!(states(&chain).await, [Ready, Waiting, Waiting]);
    worker.stop_now();
    worker.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_member_takes_the_rest_along() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "waits").await;
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("first, attempt 1").await;
    bench.jobs.cancel(chain.id()).await.unwrap();
    assert!(matches!(chain.wait().await, Err(WaitError::Cancelled { .. })));
    worker.stop_and_wait().await;
    assert_eq!(states(&chain).await, [Gone, Gone, Gone]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_cancelled_whole_while_its_first_member_runs() {
    let bench = Bench::new();
    let chain = dispatch(&bench, "waits").await;
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("first, attempt 1").await;
    chain.cancel().await.unwrap();
    bench.events.wait("first cancelled").await;
    worker.stop_and_wait().await;
    assert_eq!(states(&chain).await, [Gone, Gone, Gone]);
}

#[tokio::test(start_paused = true)]
async fn a_later_member_that_fails_waits_for_its_own_retry() {
    let bench = Bench::new();
    let chain = chain![First, Double].dispatch("succeeds").on(&bench.jobs).await.unwrap();
    let worker = bench.app().middleware(async |job: jobwork::JobContext, next: jobwork::Next| {
        assert_ne!(job.name(), "double", "a step that is broken");
        next.run(job).await
    });
    worker.run_until_empty().await.unwrap();
    let states: Vec<JobState> = chain.members().await.unwrap().iter().map(|member| member.state).collect();
    assert_eq!(states, [Completed, Scheduled]);
}

fn log(failed: &FailedJob) -> Events {
    Events::clone(&failed.job.state::<Events>().expect("every bench gives the log to its app"))
}

fn of_the_chain(failed: FailedJob, _: JobError) {
    log(&failed).push(format!("chain's handler: {}", failed.job.name()));
}

fn of_the_member(failed: FailedJob, _: JobError) {
    log(&failed).push("member's handler");
}

#[job(retries = 0, on_error = of_the_member)]
async fn breaks(number: u32) -> Result<u32, String> {
    Err(format!("{number} is odd"))
}

#[named_chain(on_error = of_the_chain, queue = "urgent")]
fn fragile(how: String) {
    chain![First(how), Breaks]
}

#[tokio::test(start_paused = true)]
async fn a_chains_handler_is_called_instead_of_the_members() {
    let bench = Bench::new();
    let chain = Fragile::dispatch("succeeds").on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(bench.events.of(&["chain's", "member's"]), ["chain's handler: breaks"]);
    assert!(chain.members().await.unwrap().iter().all(|member| member.queue == "urgent"));
}

#[tokio::test(start_paused = true)]
async fn a_chain_names_a_handler_of_the_app() {
    let bench = Bench::new();
    let chain = chain![First, Breaks].on_error("pager").dispatch("succeeds").on(&bench.jobs);
    chain.await.unwrap();
    bench.app().error_handler("pager", of_the_chain).run_until_empty().await.unwrap();
    assert_eq!(bench.events.of(&["chain's", "member's"]), ["chain's handler: breaks"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_the_program_lacks_is_replaced_by_the_members() {
    let bench = Bench::new();
    chain![First, Breaks].on_error("elsewhere").dispatch("succeeds").on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(bench.events.of(&["chain's", "member's"]), ["member's handler"]);
}

#[job]
fn blocking_step(number: u32) -> Result<u32, String> {
    Ok(number + 1)
}

#[tokio::test(start_paused = true)]
async fn run_until_empty_follows_a_chain_through_async_and_blocking_steps() {
    let bench = Bench::new();
    let chain = chain![First, BlockingStep, Double, BlockingStep].dispatch("succeeds").on(&bench.jobs).await.unwrap();
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.completed, chain.wait().await.unwrap()), (4, 43));
}

#[job]
async fn is_told(number: u32, cancel: CancelSignal) -> Result<u32, Cancelled> {
    cancel.check()?;
    Ok(number)
}

#[tokio::test(start_paused = true)]
async fn a_delayed_chain_starts_when_it_is_due() {
    let bench = Bench::new();
    let delay = Duration::from_secs(100);
    let chain = chain![First, IsTold].dispatch("succeeds").delay(delay).on(&bench.jobs).await.unwrap();
    let begun = tokio::time::Instant::now();
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!((chain.wait().await.unwrap(), begun.elapsed().as_secs()), (20, 100));
    worker.stop_and_wait().await;
}
