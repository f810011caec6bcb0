//! Publishes audio files as a podcast: `cargo run -p podcast -- publish [PATHS]...`
//!
//! The other commands are those of every program with jobs: `podcast work`, `podcast list`, `podcast show ID`, …

mod jobs;
mod progress;
mod publication;
mod publish;
mod report;

use anyhow::Context;
use jobwork::prelude::*;

/// Where everything goes, the jobs included, if nothing else is said.
const OUT: &str = "podcast-out";

#[jobwork::main]
async fn main(app: App) -> anyhow::Result<App> {
    std::fs::create_dir_all(OUT).with_context(|| format!("can't create the folder {OUT}"))?;
    Ok(app.default_store(format!("sqlite:{OUT}/jobs.db")).command(
        "publish",
        "Publishes audio files, or folders of them, as a podcast",
        publish::publish,
    ))
}
