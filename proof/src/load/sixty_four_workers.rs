use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use jobwork::{NewJob, job};

use super::count::push_all;
use super::figures::Outcome;
use super::scene::{Scene, ensure_all_ended};
use super::worker::{Process, Worker};

/// So many processes.
const WORKERS: usize = 64;

/// Writes down that it ran, where, and by whom: in a file that each process has for itself.
#[job(name = "load.sign", retain = "0s", retries = 0)]
async fn sign(number: usize, folder: PathBuf) -> std::io::Result<()> {
    let own = folder.join(std::process::id().to_string());
    let mut file = OpenOptions::new().create(true).append(true).open(own)?;
    // In one call, so that it stands there whole.
    file.write_all(format!("{number}\n").as_bytes())?;
    Ok(())
}

/// All of them are up before the first job is dispatched, and a second half of the jobs comes while they work.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, folder, count) = (scene.jobs().await?, tempfile::TempDir::new()?, scene.count(64_000));
    let lease = Duration::from_secs(60);
    let workers = (0..WORKERS).map(|_| Worker::start(scene, lease, 10)).collect::<anyhow::Result<Vec<Process>>>()?;
    let control = jobs.inspect()?;
    while control.workers(jobs.now()).await?.len() < WORKERS {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let begun = Instant::now();
    push_all(&jobs, count, |number| {
        let args = serde_json::to_string(&Sign::new(number, folder.path().to_owned()))?;
        Ok(NewJob::of::<Sign>(args))
    })
    .await?;
    while control.counts(jobs.now()).await?.open() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let time = begun.elapsed();
    let stopping = Instant::now();
    workers.iter().try_for_each(Process::stop)?;
    for mut worker in workers {
        worker.ended().await?;
    }
    let stop = stopping.elapsed();
    ensure_all_ended(&jobs).await?;
    let shares = shares(folder.path(), count)?;
    let (least, most) = (shares.iter().min().copied().unwrap_or(0), shares.iter().max().copied().unwrap_or(0));
    let what = format!(
        "{WORKERS} processes; each job ran once, {} of them had some, from {least} to {most}; all stopped in {:.1} s",
        shares.len(),
        stop.as_secs_f64()
    );
    Ok(Outcome { count, time, what })
}

/// How many jobs each process ran that had any. Fails where one ran twice or not at all.
fn shares(folder: &Path, count: usize) -> anyhow::Result<Vec<usize>> {
    let (mut runs, mut shares) = (HashMap::new(), Vec::new());
    for file in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(file?.path())?;
        shares.push(text.lines().count());
        for number in text.lines() {
            *runs.entry(number.parse::<usize>()?).or_insert(0) += 1;
        }
    }
    let twice = runs.values().filter(|runs| **runs > 1).count();
    ensure!(runs.len() == count && twice == 0, "of {count} jobs {} ran, {twice} of them more than once", runs.len());
    Ok(shares)
}
