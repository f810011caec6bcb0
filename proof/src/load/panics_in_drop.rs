use std::fmt;
use std::time::{Duration, Instant};

use anyhow::ensure;
use jobwork::{FailureKind, Job, JobId, JobState, Jobs, NewJob, job};
use serde::{Deserialize, Serialize, Serializer};

use super::figures::Outcome;
use super::scene::{Scene, app, ensure_all_ended};
use super::worker::Worker;

/// Panics when it is dropped.
#[derive(Debug, Deserialize)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of order")
    }
}

impl std::error::Error for Bomb {}

/// What it has is dropped as it ends.
#[job(name = "load.local", retries = 0)]
async fn local() {
    let _bomb = Bomb;
}

/// What it takes is dropped as it ends.
#[job(name = "load.argument", retries = 0)]
async fn argument(bomb: Bomb) {
    let _ = &bomb;
}

/// What it returns is dropped once it is JSON.
#[job(name = "load.output", retries = 0)]
async fn output() -> Result<Bomb, String> {
    Ok(Bomb)
}

/// Its error is dropped once it is recorded.
#[job(name = "load.failure", retries = 0)]
async fn failure() -> Result<(), Bomb> {
    Err(Bomb)
}

/// What it panics with is dropped once its message is known.
#[job(name = "load.payload", retries = 0)]
async fn payload() {
    std::panic::panic_any(Bomb);
}

/// The same on a thread that may block.
#[job(name = "load.blocking", retries = 0)]
fn blocking() {
    let _bomb = Bomb;
}

/// A panic while a panic unwinds ends the process: that is how Rust is.
#[job(name = "load.aborts", retries = 0)]
async fn aborts() {
    let _bomb = Bomb;
    panic!("the first of two");
}

/// So many of each kind; then, where processes can share the store, one that takes its worker along until it is a poison pill.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let jobs = scene.jobs().await?;
    let each = scene.count(1_000);
    let names = [Local::NAME, Argument::NAME, Output::NAME, Failure::NAME, Payload::NAME, Blocking::NAME];
    // Thousands of backtraces on the terminal tell nobody anything.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let worker = app(&jobs).spawn().await?;
    for name in names {
        let args = if name == Argument::NAME { r#"{"bomb":null}"# } else { "{}" };
        let mut job = NewJob::new(name, args);
        job.retries = 0;
        jobs.push(vec![job; each]).await?;
    }
    let count = each * names.len();
    while jobs.inspect()?.counts(jobs.now()).await?.open() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let time = begun.elapsed();
    let report = worker.stop_and_wait().await;
    ensure!(report.abandoned.is_empty(), "{} outcomes were not written", report.abandoned.len());
    let dead = jobs.inspect()?.counts(jobs.now()).await?.dead;
    ensure!(dead == count as u64, "expected {count} jobs to have failed, found {dead}");
    let mut what = format!("{each} each of {} kinds failed once, and the worker went on", names.len());
    if jobs.store().name() != "memory" {
        what += &poisoned(scene, &jobs).await?;
    }
    ensure_all_ended(&jobs).await?;
    Ok(Outcome { count, time, what })
}

/// Starts workers until the job that aborts them is dead.
async fn poisoned(scene: &Scene, jobs: &Jobs) -> anyhow::Result<String> {
    let id = Aborts::dispatch().on(jobs).await?.id();
    let (begun, mut deaths) = (Instant::now(), 0);
    let mut worker = Worker::start(scene, Duration::from_secs(5), 10)?;
    while !is_dead(jobs, id).await? {
        if worker.has_ended()? {
            deaths += 1;
            ensure!(deaths <= 3, "the job took a fourth worker along");
            worker = Worker::start(scene, Duration::from_secs(5), 10)?;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.stop()?;
    worker.ended().await?;
    let history = jobs.history(id).await?;
    let kind = history.last().and_then(|last| last.failure.as_ref()).map(|failure| failure.kind);
    ensure!(kind == Some(FailureKind::Poison), "expected a poison pill, found {history:?}");
    Ok(format!(
        "; a panic while another unwinds killed {deaths} workers, and then the job was dead as a poison pill, after {:.1?}",
        begun.elapsed()
    ))
}

async fn is_dead(jobs: &Jobs, id: JobId) -> anyhow::Result<bool> {
    Ok(jobs.get(id).await?.is_some_and(|job| job.state == JobState::Dead))
}
