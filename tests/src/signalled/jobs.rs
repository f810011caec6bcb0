use jobwork::{CancelReason, CancelSignal, Cancelled, JobContext, JobError, job};

use super::release::{released, released_blocking};
use super::say;

/// Says that a job started, and when it is gone.
struct Running(String);

impl Running {
    fn start(label: &str, job: &JobContext) -> Self {
        say(format_args!(
            "started {label} attempt {} rescues {} worker {}",
            job.attempt(),
            job.rescues(),
            job.worker()
        ));
        Self(label.to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        say(format_args!("dropped {}", self.0));
    }
}

/// Waits until the job is released or told to stop, and in that case says why.
async fn released_or_told(label: &str, cancel: &CancelSignal) -> Option<CancelReason> {
    tokio::select! {
        () = released(label) => None,
        reason = cancel.cancelled() => {
            say(format_args!("signal {label} {reason}"));
            Some(reason)
        }
    }
}

/// Told to stop, it cleans up, and says so.
#[job(retries = 3)]
pub async fn polite(label: String, cancel: CancelSignal, job: JobContext) -> Result<(), Cancelled> {
    let _running = Running::start(&label, &job);
    if released_or_told(&label, &cancel).await.is_some() {
        tokio::task::yield_now().await;
        say(format_args!("cleaned {label}"));
    } else {
        say(format_args!("returned {label}"));
    }
    cancel.check()
}

/// Told to stop, it cleans up once it is released.
#[job(cleanup = "1h")]
pub async fn thorough(label: String, cancel: CancelSignal, job: JobContext) -> Result<(), Cancelled> {
    let _running = Running::start(&label, &job);
    let reason = cancel.cancelled().await;
    say(format_args!("signal {label} {reason}"));
    released(&label).await;
    say(format_args!("cleaned {label}"));
    cancel.check()
}

/// Told to stop, it returns as if its work were done.
#[job]
pub async fn swallow(label: String, cancel: CancelSignal, job: JobContext) {
    let _running = Running::start(&label, &job);
    released_or_told(&label, &cancel).await;
}

/// Told to stop, it says that its work is done.
#[job]
pub async fn finisher(label: String, cancel: CancelSignal, job: JobContext) {
    let _running = Running::start(&label, &job);
    released_or_told(&label, &cancel).await;
    job.finished();
}

/// Never looks whether it is told to stop.
#[job(cleanup = "1h")]
pub async fn blind(label: String, job: JobContext) {
    let _running = Running::start(&label, &job);
    released(&label).await;
    say(format_args!("returned {label}"));
}

/// Is told to stop, and does not.
#[job(cleanup = "1h")]
pub async fn stubborn(label: String, cancel: CancelSignal, job: JobContext) {
    let _running = Running::start(&label, &job);
    let reason = cancel.cancelled().await;
    say(format_args!("signal {label} {reason}"));
    std::future::pending::<()>().await;
}

/// Keeps a blocking thread to itself.
#[job(cleanup = "1h")]
pub fn deaf(label: String, job: JobContext) {
    let _running = Running::start(&label, &job);
    released_blocking(label);
}

/// Keeps an async thread to itself, as no async job should.
#[job(cleanup = "1h")]
pub async fn seizing(label: String, job: JobContext) {
    let _running = Running::start(&label, &job);
    released_blocking(label);
}

/// Kills its own process.
#[job]
pub async fn deadly(label: String, job: JobContext) {
    let _running = Running::start(&label, &job);
    std::process::abort();
}

/// Says that it ran.
#[job]
pub async fn counted(number: u32) {
    say(format_args!("ran {number}"));
}

/// Runs two at a time over all workers, each until it is released.
#[job(concurrency = 2)]
pub async fn two_at_once(label: String, job: JobContext) {
    let _running = Running::start(&label, &job);
    released(&label).await;
}

/// The first of a chain.
#[job]
pub async fn begin(label: String, job: JobContext) -> Result<String, Cancelled> {
    let _running = Running::start(&label, &job);
    Ok(format!("{label}+"))
}

/// A member of a chain that waits until it is released.
#[job]
pub async fn go_on(label: String, job: JobContext) -> Result<String, Cancelled> {
    let _running = Running::start(&label, &job);
    released(&label).await;
    Ok(format!("{label}+"))
}

/// Goes on from its checkpoint, and waits at its third step until it is released.
#[job]
pub async fn import(label: String, job: JobContext) -> Result<u32, JobError> {
    let done = job.last_checkpoint::<u32>()?.unwrap_or(0);
    say(format_args!("started {label} after {done}"));
    for step in done + 1..=5 {
        job.progress(f64::from(step) / 5.0, format!("step {step}"));
        if step == 3 {
            say(format_args!("waits {label}"));
            released(&label).await;
        }
        job.checkpoint(&step).await?;
    }
    Ok(done)
}
