//! The job that most cases are made of.

use anyhow::Context;
use jiff::Timestamp;
use jobwork::{Jobs, NewJob, job};

use super::tally;

/// So many jobs go into one dispatch.
const BULK: usize = 1_000;

/// Does nothing but to be counted; no row of it stays when it has run.
#[job(name = "load.count", retain = "0s", retries = 0)]
pub(super) async fn count(number: usize) {
    tally::count(number);
}

/// Says how long it has waited since it was due, in microseconds of the clock.
#[job(name = "load.note", queue = "others", retain = "0s", retries = 0)]
pub(super) async fn note(due: i64) {
    let waited = Timestamp::now().as_microsecond() - due;
    tally::note(std::time::Duration::from_micros(waited.max(0).unsigned_abs()));
}

/// The job of this number in this queue.
pub(super) fn new_job(number: usize, queue: String) -> anyhow::Result<NewJob> {
    let args = serde_json::to_string(&Count::new(number)).context("a number is JSON")?;
    let mut job = NewJob::of::<Count>(args);
    job.queue = queue.into();
    Ok(job)
}

/// Dispatches jobs, a thousand in one write.
pub(super) async fn push_all(
    jobs: &Jobs,
    count: usize,
    make: impl Fn(usize) -> anyhow::Result<NewJob>,
) -> anyhow::Result<()> {
    for first in (0..count).step_by(BULK) {
        let bulk: Vec<NewJob> = (first..count.min(first + BULK)).map(&make).collect::<anyhow::Result<_>>()?;
        jobs.push(bulk).await?;
    }
    Ok(())
}
