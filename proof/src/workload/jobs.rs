//! Jobs that behave in all the ways in which jobs do, for a few milliseconds or seconds.

use std::time::Duration;

use jobwork::{CancelSignal, Cancelled, JobContext, JobError, job};
use tokio::time::sleep;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Does next to nothing.
#[job(name = "chaos.plain")]
pub(super) async fn plain(number: u64) -> Result<u64, String> {
    sleep(millis(number % 20)).await;
    Ok(number)
}

/// A step of a chain.
#[job(name = "chaos.double")]
pub(super) async fn double(number: u64) -> Result<u64, String> {
    sleep(millis(number % 40)).await;
    Ok(number.wrapping_mul(2))
}

/// A step of a chain that often takes more than one attempt.
#[job(name = "chaos.add", retries = 4, backoff = "100ms")]
pub(super) async fn add(number: u64, more: u64, job: JobContext) -> Result<u64, String> {
    sleep(millis(more)).await;
    if u64::from(job.attempt()) <= number % 3 { Err("not yet".to_owned()) } else { Ok(number.wrapping_add(more)) }
}

/// A step of a chain that keeps a thread to itself.
#[job(name = "chaos.square")]
pub(super) fn square(number: u64) -> Result<u64, String> {
    std::thread::sleep(millis(number % 50));
    Ok(number.wrapping_mul(number))
}

/// Fails so many times, more than it has retries for some numbers.
#[job(name = "chaos.flaky", retries = 3, backoff = exponential("50ms".."1s"))]
pub(super) async fn flaky(failures: u32, job: JobContext) -> Result<u32, String> {
    sleep(millis(10)).await;
    if job.attempt() <= failures { Err(format!("failure {}", job.attempt())) } else { Ok(failures) }
}

/// Panics at first; for every fifth number always.
#[job(name = "chaos.panicky", retries = 2, backoff = "100ms")]
pub(super) async fn panicky(number: u64, job: JobContext) -> Result<u64, String> {
    sleep(millis(number % 10)).await;
    assert!(!number.is_multiple_of(5) && job.attempt() > 1, "there is no {number}");
    Ok(number)
}

/// Takes longer than it may, for most numbers, and never looks whether it is told.
#[job(name = "chaos.slow", timeout = "200ms", cleanup = "50ms", retries = 1, backoff = "100ms")]
pub(super) async fn slow(number: u64) -> Result<u64, String> {
    sleep(millis(number % 500)).await;
    Ok(number)
}

/// Takes its time, and stops when it is told.
#[job(name = "chaos.polite")]
pub(super) async fn polite(time: u64, cancel: CancelSignal) -> Result<u64, Cancelled> {
    cancel.guard(sleep(millis(time))).await?;
    Ok(time)
}

/// Takes its time, whatever it is told.
#[job(name = "chaos.deaf", cleanup = "100ms")]
pub(super) async fn deaf(time: u64) -> Result<u64, String> {
    sleep(millis(time)).await;
    Ok(time)
}

/// Keeps a thread for its time, and looks now and then whether it is told to stop.
#[job(name = "chaos.grind", cleanup = "200ms")]
pub(super) fn grind(time: u64, cancel: CancelSignal) -> Result<u64, Cancelled> {
    for _ in 0..time / 10 {
        cancel.check()?;
        std::thread::sleep(millis(10));
    }
    Ok(time)
}

/// One of each key at a time.
#[job(name = "chaos.sole", unique)]
pub(super) async fn sole(key: u64) -> Result<u64, String> {
    sleep(millis(100 + key)).await;
    Ok(key)
}

/// Two of each key at once.
#[job(name = "chaos.crowded", concurrency = 2, key = key)]
pub(super) async fn crowded(key: u64, time: u64) -> Result<u64, String> {
    sleep(millis(time)).await;
    Ok(key)
}

/// One after the other for each account.
#[job(name = "chaos.in_order", ordered = account, retries = 1, backoff = "100ms")]
pub(super) async fn in_order(account: u64, number: u64, job: JobContext) -> Result<u64, String> {
    sleep(millis(20)).await;
    if number.is_multiple_of(4) && job.attempt() == 1 { Err("not at first".to_owned()) } else { Ok(account) }
}

/// Says itself what is to become of it.
#[job(name = "chaos.fickle", retries = 2)]
pub(super) async fn fickle(number: u64, job: JobContext) -> Result<u64, JobError> {
    let is_young = job.started_at() < job.created_at() + millis(300);
    match number % 6 {
        0 if is_young => Err(JobError::snooze(millis(100))),
        1 if is_young => Err(JobError::rate_limited(millis(100))),
        2 if job.attempt() == 1 => Err(JobError::retry_after(millis(50))),
        3 => Err(JobError::discard("it is not wanted")),
        4 => Err(JobError::dead("it can't be done")),
        _ => Ok(number),
    }
}
