//! The command `publish`: dispatches, works until everything is published, and shows how far it is.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use jobwork::prelude::*;
use jobwork::store::Topic;
use jobwork::{JobId, WorkerHandle};

use crate::jobs::QUEUE;
use crate::progress::Progress;
use crate::publication::Publication;
use crate::{OUT, report};

/// Publishes audio files as a podcast.
///
/// Interrupted with Ctrl-C and started again, it carries on where it was.
#[derive(Debug, Parser)]
#[command(name = "podcast publish")]
struct Options {
    /// Audio files, or folders of them.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/episodes"), hide_default_value = true)]
    paths: Vec<PathBuf>,
    /// The folder to publish into.
    #[arg(long, value_name = "DIR", default_value = OUT)]
    out: PathBuf,
}

/// The status of running steps is looked up this often; that a step has ended is told at once.
const REFRESH: Duration = Duration::from_millis(100);

pub(crate) async fn publish(app: App, words: Vec<String>) -> anyhow::Result<()> {
    let options = Options::parse_from(std::iter::once("podcast publish".to_owned()).chain(words));
    let sources = podcast::find(&options.paths)?;
    let unusable = || format!("can't use the folder {}", options.out.display());
    std::fs::create_dir_all(&options.out).with_context(unusable)?;
    let out = options.out.canonicalize().with_context(unusable)?;

    let jobs = app.client().await?;
    let mut publications = Vec::new();
    for source in sources {
        publications.push(Publication::of(&jobs, &source, &out).await?);
    }
    // Nobody waits long for a program to stop: running steps are told at once.
    let worker = app.queues([QUEUE]).shutdown_timeout(Duration::ZERO).signals(true).spawn().await?;
    follow(&jobs, &worker, &mut publications).await?;
    worker.stop_and_wait().await;
    refresh(&jobs, &mut publications).await?;

    report::print(&jobs, &publications, &options.out).await?;
    report::tidy(&publications, &out);
    match publications.iter().filter(|publication| publication.failed().is_some()).count() {
        0 if publications.iter().all(Publication::is_done) => Ok(()),
        0 => bail!("interrupted; run it again, and it carries on where it was"),
        failed => bail!("{failed} of {} episodes failed", publications.len()),
    }
}

/// Shows how far everything is, until it has ended or the worker has stopped.
async fn follow(jobs: &Jobs, worker: &WorkerHandle, publications: &mut [Publication]) -> anyhow::Result<()> {
    let mut progress = Progress::new();
    let mut settled = jobs.store().wakeups(Topic::Settled);
    progress.begin(publications);
    loop {
        settled.forget();
        refresh(jobs, publications).await?;
        progress.show(publications);
        if publications.iter().all(Publication::has_ended) {
            return Ok(());
        }
        tokio::select! {
            () = settled.changed() => {}
            () = tokio::time::sleep(REFRESH) => {}
            _ = worker.stopped() => return Ok(()),
        }
    }
}

/// Looks up all steps that may have changed, in one go.
async fn refresh(jobs: &Jobs, publications: &mut [Publication]) -> anyhow::Result<()> {
    let open = || publications.iter().filter(|publication| !publication.is_done());
    let ids: Vec<JobId> = open().flat_map(Publication::ids).collect();
    let mut found = jobs.inspect()?.get(&ids, jobs.now()).await?.into_iter();
    for step in publications.iter_mut().filter(|publication| !publication.is_done()).flat_map(|open| &mut open.steps) {
        *step = found.next().flatten().context("a step was deleted while it was waited for")?;
    }
    Ok(())
}
