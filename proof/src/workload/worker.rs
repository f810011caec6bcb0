use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use jobwork::store::{Retention, connect};
use jobwork::{App, Clock, Jobs};

use super::{Release, parent};
use crate::Recorded;
use crate::history::History;

/// A process that performs jobs until a signal ends it, or the end of its input.
#[derive(Clone, Debug, Args)]
pub struct Worker {
    /// The URL of the store
    #[arg(long)]
    store: String,
    /// The file of the history
    #[arg(long)]
    history: PathBuf,
    /// The lease, in milliseconds
    #[arg(long)]
    lease: u64,
    /// Which program of the application this is
    #[arg(long, value_enum, default_value_t)]
    release: Release,
    /// How far its clock is ahead, in milliseconds
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    shift: i64,
    /// When its clock jumps there, in milliseconds after its start
    #[arg(long, default_value_t = 0)]
    jumps_after: u64,
}

impl Worker {
    /// Works.
    ///
    /// # Errors
    /// When the store or the history can't be opened.
    pub fn run(&self) -> anyhow::Result<()> {
        parent::end_with_it();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(self.work());
        // A job that keeps its thread must not keep the process.
        runtime.shutdown_background();
        ended
    }

    async fn work(&self) -> anyhow::Result<()> {
        let store = connect(&self.store).await?;
        let recorded = Arc::new(Recorded::new(store, History::of_file(&self.history)?));
        let app = App::new()
            .middleware(recorded.middleware())
            .jobs(Jobs::new(recorded).with_clock(self.clock()))
            .concurrency(10)
            .blocking_threads(2)
            .lease(Duration::from_millis(self.lease))
            .poll_interval(Duration::from_millis(500))
            .shutdown_timeout(Duration::from_millis(500))
            // Kills are so many here that a job may well meet a few of them.
            .poison_after(50)
            .retention(Retention::forever());
        self.release.register(app).run().await?;
        Ok(())
    }

    /// The system's clock, until it jumps.
    fn clock(&self) -> Clock {
        let (shift, jump) = (SignedDuration::from_millis(self.shift), Duration::from_millis(self.jumps_after));
        let begun = Instant::now();
        Clock::from_fn(move || Timestamp::now() + if begun.elapsed() >= jump { shift } else { SignedDuration::ZERO })
    }
}
