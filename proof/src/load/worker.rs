//! Processes that a case starts.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jobwork::Jobs;
use rustix::process::{Pid, Signal, kill_process};

use super::case::bounded;
use super::scene::{Scene, app};

/// Performs the jobs of a case until it is told to stop
#[derive(Clone, Debug, Args)]
pub struct Worker {
    /// The URL of the store
    #[arg(long)]
    url: String,
    /// How long the store believes that it lives, in milliseconds
    #[arg(long, default_value_t = 15_000)]
    lease: u64,
    /// How many jobs it performs at a time
    #[arg(long, default_value_t = 100)]
    concurrency: usize,
}

/// Writes down which files it was handed by its parent, and lives until it is killed
#[derive(Clone, Debug, Args)]
pub struct Linger {
    /// Where to
    file: PathBuf,
}

impl Worker {
    /// Performs jobs until it is told to stop.
    ///
    /// # Errors
    /// When the store can't be opened.
    pub fn run(self) -> anyhow::Result<()> {
        bounded(async {
            let jobs = Jobs::connect(&self.url).await?;
            let app = app(&jobs).lease(Duration::from_millis(self.lease)).concurrency(self.concurrency);
            app.signals(true).run().await?;
            Ok(())
        })
    }

    /// Starts a process that does; it is killed when what is returned is dropped.
    pub(super) fn start(scene: &Scene, lease: Duration, concurrency: usize) -> anyhow::Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load-worker", "--url", &scene.url, "--lease", &lease.as_millis().to_string()]);
        command.args(["--concurrency", &concurrency.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Process(command.spawn()?))
    }
}

impl Linger {
    /// Lives on.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn run(self) -> anyhow::Result<()> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc/self/fd")? {
            // The one that lists the directory is gone by now.
            let Ok(place) = std::fs::read_link(entry?.path()) else { continue };
            if !place.starts_with("/proc") {
                writeln!(found, "{}", place.display())?;
            }
        }
        let half_done = self.file.with_extension("new");
        std::fs::write(&half_done, found)?;
        std::fs::rename(half_done, self.file)?;
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}

/// A process that is killed at the latest when this is dropped.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Asks it to stop.
    pub(super) fn stop(&self) -> anyhow::Result<()> {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).context("the process has an id")?;
        Ok(kill_process(id, Signal::TERM)?)
    }

    /// Kills it.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        while !self.has_ended()? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended can't be killed, which is as well.
        let _ = self.kill();
    }
}
