//! The three steps as jobs, and the chain that they form.

use std::path::{Path, PathBuf};

use jobwork::prelude::*;
use podcast::{Audio, Episode, Error, Show};

/// The queue of the chain.
pub(crate) const QUEUE: &str = "podcast";

/// One episode's way from a recording to the feed.
#[named_chain(queue = "podcast", on_error = notify)]
pub(crate) fn podcast_pipeline(source: PathBuf, out: PathBuf) {
    chain![ProcessPodcast(source, out.clone()), OptimizePodcast(_, out.clone()), ReleasePodcast(_, out)]
}

/// Decodes the recording and measures how loud it is.
#[job(retries = 3, backoff = exponential("1s".."10s"))]
pub(crate) fn process_podcast(source: PathBuf, out: PathBuf, cancel: CancelSignal) -> Result<Audio, JobError> {
    podcast::process(&source, &work(&out), &|| cancel.is_cancelled()).map_err(judged)
}

/// Brings it to the loudness that listeners expect, and encodes it.
#[job(retries = 3, backoff = exponential("1s".."10s"))]
pub(crate) fn optimize_podcast(audio: Audio, out: PathBuf, cancel: CancelSignal) -> Result<Audio, JobError> {
    podcast::optimize(&audio, &work(&out), &|| cancel.is_cancelled()).map_err(judged)
}

/// Draws its waveform and puts it into the feed.
#[job(retries = 3, backoff = exponential("1s".."10s"))]
pub(crate) fn release_podcast(audio: Audio, out: PathBuf, cancel: CancelSignal) -> Result<Episode, JobError> {
    let show = Show::new("Three jobs at work", "https://podcast.example");
    podcast::release(&audio, &show, &out, &|| cancel.is_cancelled()).map_err(judged)
}

/// Where the steps leave what only the next one needs.
pub(crate) fn work(out: &Path) -> PathBuf {
    out.join("work")
}

/// What becomes of a step that gave up: a full disk may be emptied, but a recording does not get better by waiting.
fn judged(error: Error) -> JobError {
    match error {
        Error::Stopped => Cancelled::new().into(),
        Error::Io { .. } => JobError::from_boxed(Box::new(error)),
        _ => JobError::dead(error.to_string()).caused_by(error),
    }
}

/// The chain's error handler: here it would write to whoever looks after the podcast.
fn notify(failed: FailedJob, error: JobError) {
    let next = if failed.is_dead() { "somebody has to look at it" } else { "it will be tried again" };
    tracing::warn!(step = failed.job.name(), %error, "the podcast is held up; {next}");
}
