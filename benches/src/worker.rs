//! Workers, in this process and in one of their own, and the end of their work.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use jobwork::store::WorkerState;
use jobwork::{App, Jobs, WorkerHandle};
use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::tally::{Count, TALLY};
use crate::usage::Meter;
use crate::{problems, task};

/// Starts a worker in this process, and waits until it works.
pub(crate) async fn start(jobs: &Jobs, at_once: usize) -> Result<WorkerHandle> {
    let worker = App::new().jobs(jobs.clone()).concurrency(at_once).spawn().await?;
    worker.wait_for(WorkerState::Running).await;
    Ok(worker)
}

/// When what is left doesn't change for so long, it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two questions whether anything is left there is so much time at least.
const REST: Duration = Duration::from_millis(1);

/// Waits until the store has no open job.
pub(crate) async fn settled(jobs: &Jobs) -> Result<()> {
    let (mut before, mut changed) = (Vec::new(), Instant::now());
    loop {
        let asked = Instant::now();
        let open = jobs.inspect()?.queues(jobs.now()).await?;
        if open.is_empty() {
            return Ok(());
        }
        if open != before {
            (before, changed) = (open, Instant::now());
        } else if changed.elapsed() > PATIENCE {
            bail!("expected all jobs to end, but for a minute nothing has become of these: {before:?}");
        }
        // To count many jobs takes a server's time that is meant for the measure.
        tokio::time::sleep(REST.max(asked.elapsed() * 4)).await;
    }
}

/// To work until the standard input ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    /// The store.
    pub(crate) url: String,
    /// How many jobs run at a time.
    pub(crate) at_once: usize,
}

/// What such a worker has done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Worked {
    /// From when it was ready until it was told to stop.
    pub(crate) figure: Figure,
    /// The jobs that it ran.
    pub(crate) ran: Count,
    /// How long those waited that say so, in nanoseconds.
    pub(crate) waits: Vec<u64>,
}

impl Work {
    /// Works.
    pub(crate) async fn work(self) -> Result<Worked> {
        let jobs = Jobs::connect(&self.url).await?;
        let worker = start(&jobs, self.at_once).await?;
        let meter = Meter::start()?;
        task::say_ready();
        while task::told().await? {}
        let mut figure = meter.stop(TALLY.count().jobs)?;
        worker.stop_and_wait().await;
        figure.problems = problems::so_far();
        Ok(Worked { figure, ran: TALLY.count(), waits: TALLY.take_waits() })
    }
}
