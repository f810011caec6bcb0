//! One episode and the chain of jobs that publishes it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use jobwork::prelude::*;
use jobwork::store::Filter;
use jobwork::{JobId, JobState, Record};
use podcast::{Audio, Episode, slug};

use crate::jobs::{PodcastPipeline, ProcessPodcast};

/// An episode to be published, and how far it is.
#[derive(Debug)]
pub(crate) struct Publication {
    /// The name it is published under.
    pub(crate) slug: String,
    /// The members of its chain, in order.
    pub(crate) steps: Vec<Record>,
    /// What the chain was before this run.
    pub(crate) before: Before,
}

/// What was there of a publication before this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// Some or all of its steps.
    Begun,
    /// A step that failed for good, and is tried again.
    Failed,
}

impl Publication {
    /// The publication of this recording: the one that is there already, unfinished or done, or else a new one.
    pub(crate) async fn of(jobs: &Jobs, source: &Path, out: &Path) -> anyhow::Result<Self> {
        let source = source.canonicalize().with_context(|| format!("can't find {}", source.display()))?;
        let tag = fingerprint(&source, out)?;
        let slug = slug(&source);
        if let Some(steps) = found(jobs, &tag, &out.join(&slug)).await? {
            return resumed(jobs, slug, steps).await;
        }
        let chain = PodcastPipeline::dispatch(source, out.to_owned()).tag(tag).on(jobs).await?;
        Ok(Self { slug, steps: chain.members().await?, before: Before::Nothing })
    }

    pub(crate) fn ids(&self) -> Vec<JobId> {
        self.steps.iter().map(|step| step.id).collect()
    }

    /// The step that keeps the others from ever running.
    pub(crate) fn failed(&self) -> Option<&Record> {
        self.steps.iter().find(|step| step.state.is_final() && step.state != JobState::Completed)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.state == JobState::Completed)
    }

    /// Whether nothing more will happen to it by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_done() || self.failed().is_some()
    }

    /// What the first step measured in the recording.
    pub(crate) fn recording(&self) -> Option<Audio> {
        output(self.steps.first()?)
    }

    /// What the last step released.
    pub(crate) fn episode(&self) -> Option<Episode> {
        output(self.steps.last()?)
    }
}

/// What a step returned, if it is done.
pub(crate) fn output<T: serde::de::DeserializeOwned>(step: &Record) -> Option<T> {
    serde_json::from_str(step.output.as_deref()?).ok()
}

/// Says of which content, and for which folder, a publication is: another version of a file is another episode.
fn fingerprint(source: &Path, out: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("can't look at {}", source.display());
    let file = source.metadata().with_context(unreadable)?;
    let modified = Timestamp::try_from(file.modified().with_context(unreadable)?)?;
    let all = format!("{} {} {modified} {}", source.display(), file.len(), out.display());
    // FNV-1a: the standard library has no hash that stays the same from one release to the next.
    let hash = all
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Ok(format!("{}-{hash:016x}", slug(source)))
}

/// The steps of the latest publication with this tag, unless it was cancelled or its files are gone.
async fn found(jobs: &Jobs, tag: &str, files: &Path) -> anyhow::Result<Option<Vec<Record>>> {
    let name = Some(ProcessPodcast::NAME.to_owned());
    let filter = Filter { name, tags: vec![tag.to_owned()], limit: Some(1), ..Filter::default() };
    let Some(first) = jobs.list(&filter).await?.into_iter().next() else { return Ok(None) };
    let steps = jobs.inspect()?.chain(first.id, jobs.now()).await?;
    let ended = |step: &Record| matches!(step.state, JobState::Cancelled | JobState::Discarded);
    let done = steps.iter().all(|step| step.state == JobState::Completed);
    let gone = done && !["mp3", "png"].iter().all(|kind| with_extension(files, kind).exists());
    Ok((!gone && !steps.iter().any(ended)).then_some(steps))
}

/// Appends: a name may have dots of its own.
fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Carries on where an earlier run was; a step that had failed for good is tried again.
async fn resumed(jobs: &Jobs, slug: String, mut steps: Vec<Record>) -> anyhow::Result<Publication> {
    let dead = steps.iter().find(|step| step.state == JobState::Dead).map(|step| step.id);
    let before = if dead.is_some() { Before::Failed } else { Before::Begun };
    if let Some(dead) = dead {
        jobs.retry(dead).await?;
        steps = jobs.inspect()?.chain(dead, jobs.now()).await?;
    }
    Ok(Publication { slug, steps, before })
}
