//! The jobs of the simulation: all of them do what their plan says, and differ in their options.

use std::time::Duration;

use jobwork::{CancelSignal, Dispatch, FailedJob, JobContext, JobError, job};

use super::book::Book;
use super::plan::{Act, Plan};

#[job(name = "simulation.plain", retries = 3, backoff = "300ms", cleanup = "700ms")]
pub(super) async fn plain(plan: Plan, job: JobContext) -> Result<u64, JobError> {
    act(&plan, &job).await.map(|()| 0)
}

#[job(name = "simulation.timed", retries = 2, backoff = "300ms", timeout = "800ms", cleanup = "400ms", on_error = listen)]
pub(super) async fn timed(plan: Plan, job: JobContext) -> Result<u64, JobError> {
    act(&plan, &job).await.map(|()| 0)
}

#[job(name = "simulation.unique", retries = 2, backoff = "300ms", cleanup = "700ms", unique = key)]
pub(super) async fn unique(key: u8, plan: Plan, job: JobContext) -> Result<u64, JobError> {
    act(&plan, &job).await.map(|()| key.into())
}

#[job(name = "simulation.ordered", retries = 2, backoff = "300ms", cleanup = "700ms", ordered = key, on_error = listen)]
pub(super) async fn ordered(key: u8, plan: Plan, job: JobContext) -> Result<u64, JobError> {
    act(&plan, &job).await.map(|()| key.into())
}

#[job(name = "simulation.limited", retries = 2, backoff = "300ms", cleanup = "700ms", concurrency(1, key = key), rate = "5/1s")]
pub(super) async fn limited(key: u8, plan: Plan, job: JobContext) -> Result<u64, JobError> {
    act(&plan, &job).await.map(|()| key.into())
}

/// A member of a chain: it takes a number, and returns the next one.
#[job(name = "simulation.step", retries = 20, backoff = "300ms", cleanup = "700ms")]
pub(super) async fn step(number: u64, plan: Plan, job: JobContext) -> Result<u64, JobError> {
    act(&plan, &job).await.map(|()| number + 1)
}

/// An error handler that takes its time, for some jobs more than it is given.
async fn listen(failed: FailedJob, _: JobError) {
    let number = failed.job.id().as_uuid().as_u64_pair().1;
    work([0, 0, 300, 4_000, 40_000][(number % 5) as usize]).await;
}

async fn act(plan: &Plan, job: &JobContext) -> Result<(), JobError> {
    // Not as a `State`, which every app would need that these jobs are linked into: those of chaos, too.
    let book = job.state::<Book>().expect("every worker of the simulation has the book");
    let stop = job.cancel_signal();
    match plan.act(book.begin(job.id())) {
        Act::Succeed => Ok(()),
        Act::Work(time) => {
            work(time).await;
            Ok(())
        }
        Act::Obey(time) => Ok(stop.guard(work(time)).await?),
        Act::Tidy(time, tidying) => {
            if stop.guard(work(time)).await.is_err() {
                work(tidying).await;
                job.finished();
            }
            Ok(())
        }
        Act::Fail(time) => {
            work(time).await;
            Err(JobError::new("as planned"))
        }
        Act::Panic(time) => {
            work(time).await;
            // Not by way of the panic hook, which would write a line for each of very many.
            std::panic::resume_unwind(Box::new("as planned"))
        }
        Act::Snooze(time) => Err(JobError::snooze(Duration::from_millis(time))),
        Act::RateLimited(time) => Err(JobError::rate_limited(Duration::from_millis(time))),
        Act::Discard => Err(JobError::discard("as planned")),
        Act::Die => Err(JobError::dead("as planned")),
        Act::Dispatch(time) => hand_on(time, stop, &book).await,
        Act::Note(time) => {
            job.progress(0.5, "half of it");
            job.checkpoint(&time).await.map_err(|error| JobError::new(error.to_string()))?;
            work(time).await;
            Ok(())
        }
    }
}

async fn hand_on(time: u64, stop: CancelSignal, book: &Book) -> Result<(), JobError> {
    let dispatched = Dispatch::new(Plain::new(Plan::default())).await;
    book.dispatched(&[dispatched.map_err(|error| JobError::new(error.to_string()))?]);
    Ok(stop.guard(work(time)).await?)
}

async fn work(time: u64) {
    tokio::time::sleep(Duration::from_millis(time)).await;
}
