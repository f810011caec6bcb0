use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jobwork::job;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::count::{new_job, push_all};
use super::figures::Outcome;
use super::scene::{Scene, app, ensure_all_ended, ms};
use super::tally;
use super::worker::{Process, Worker};

/// Starts a process that outlives it, and says which; one that stays never returns, and waits to be killed.
#[job(name = "load.forks", queue = "forks", retries = 0)]
async fn forks(file: PathBuf, and_stays: bool) -> std::io::Result<u32> {
    let mut command = Command::new(std::env::current_exe()?);
    let child = command.arg("load-linger").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    std::fs::write(file.with_extension("pid"), child.id().to_string())?;
    if and_stays {
        std::future::pending::<()>().await;
    }
    Ok(child.id())
}

/// A worker is stopped, and another one is killed, while the children of their jobs live on.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, folder) = (scene.jobs().await?, tempfile::TempDir::new()?);
    let lease = Duration::from_secs(10);
    let begun = Instant::now();

    let stopped = folder.path().join("stopped");
    let mut worker = Worker::start(scene, lease, 10)?;
    Forks::dispatch(stopped.clone(), false).on(&jobs).await?.wait().await?;
    let first = Child::of(&stopped).await?;
    let begun_to_stop = Instant::now();
    worker.stop()?;
    worker.ended().await?;
    let stop = begun_to_stop.elapsed();
    ensure!(first.is_alive(), "the child is gone");

    let killed = folder.path().join("killed");
    let mut worker = Worker::start(scene, lease, 10)?;
    let job = Forks::dispatch(killed.clone(), true).on(&jobs).await?;
    let second = Child::of(&killed).await?;
    let rescue = rescued(&mut worker, &jobs, job.id()).await?;
    ensure!(second.is_alive(), "the child is gone");
    jobs.cancel(job.id()).await?;

    let count = scene.count(1_000);
    push_all(&jobs, count, |number| new_job(number, "default".to_owned())).await?;
    let worker = app(&jobs).queues(["default"]).spawn().await?;
    tally::reach(count).await;
    worker.stop_and_wait().await;
    tally::ensure_each_ran_once(count)?;
    ensure_all_ended(&jobs).await?;
    let what = format!(
        "the children have nothing of the store open, only {}; the worker stopped in {}, a killed one's job was rescued after {} \
         (with a lease of {lease:?}); {count} jobs went on",
        first.files.join(", "),
        ms(stop),
        ms(rescue)
    );
    Ok(Outcome { count: count + 2, time: begun.elapsed(), what })
}

/// Kills the worker, and says after how long its job was ready again.
async fn rescued(worker: &mut Process, jobs: &jobwork::Jobs, id: jobwork::JobId) -> anyhow::Result<Duration> {
    // One that serves another queue rescues as well.
    let other = app(jobs).queues(["default"]).spawn().await?;
    worker.kill()?;
    let killed = Instant::now();
    while jobs.get(id).await?.context("the job is there")?.state != jobwork::JobState::Ready {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rescue = killed.elapsed();
    other.stop_and_wait().await;
    Ok(rescue)
}

/// A child that outlives its job; killed when this is dropped.
#[derive(Debug)]
struct Child {
    id: Pid,
    /// What it has open.
    files: Vec<String>,
}

impl Child {
    /// The one that writes this file.
    async fn of(file: &Path) -> anyhow::Result<Self> {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let id = std::fs::read_to_string(file.with_extension("pid"))?.parse::<i32>()?;
        let mut files: Vec<String> = std::fs::read_to_string(file)?.lines().map(str::to_owned).collect();
        files.sort_unstable();
        files.dedup();
        let child = Self { id: Pid::from_raw(id).context("an id")?, files };
        let ours = child.files.iter().find(|file| file.contains("jobs.db") || file.starts_with("socket:"));
        ensure!(ours.is_none(), "the child holds {ours:?} of the store");
        Ok(child)
    }

    /// Whether it lives; one that has died with its parent alive would still be there, but nobody kills it before.
    fn is_alive(&self) -> bool {
        test_kill_process(self.id).is_ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that is gone can't be killed, which is as well.
        let _ = kill_process(self.id, Signal::KILL);
    }
}
