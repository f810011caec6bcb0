//! Jobs that give each rule something to look at.

use std::time::Duration;

use jobwork::{CancelSignal, Cancelled, JobContext, job};
use tokio::time::sleep;

/// Is over at once.
#[job]
pub(crate) async fn plain(number: u64) -> Result<u64, String> {
    Ok(number)
}

/// Long enough for a second worker to look for jobs.
#[job]
pub(crate) async fn slow(number: u64) -> Result<u64, String> {
    sleep(Duration::from_secs(5)).await;
    Ok(number)
}

/// The worker that has it first dies.
#[job]
pub(crate) async fn orphan() -> Result<(), String> {
    sleep(Duration::from_secs(20)).await;
    Ok(())
}

/// Fails at first.
#[job(retries = 1, backoff = "1s")]
pub(crate) async fn flaky(job: JobContext) -> Result<(), String> {
    if job.attempt() == 1 { Err("no luck".to_owned()) } else { Ok(()) }
}

/// Minutes, unless it is told to stop.
#[job]
pub(crate) async fn long(cancel: CancelSignal) -> Result<(), Cancelled> {
    cancel.guard(sleep(Duration::from_secs(180))).await
}

/// A step of a chain.
#[job(retries = 0)]
pub(crate) async fn double(number: u64) -> Result<u64, String> {
    sleep(Duration::from_secs(1)).await;
    Ok(number * 2)
}
