//! What there is to see when everything has ended.

use std::path::Path;

use jobwork::prelude::*;
use podcast::{Audio, Episode};

use crate::jobs::work;
use crate::publication::Publication;

/// Prints the files of each episode, with its loudness before and after, or what went wrong with it.
pub(crate) async fn print(jobs: &Jobs, publications: &[Publication], out: &Path) -> jobwork::Result<()> {
    println!();
    for publication in publications {
        match (publication.recording(), publication.episode()) {
            (Some(recording), Some(episode)) => println!("{}", released(&recording, &episode, out)),
            _ => println!("{}: {}", publication.slug, standing(jobs, publication).await?),
        }
    }
    if publications.iter().any(Publication::is_done) {
        println!("{}", out.join("feed.xml").display());
    }
    Ok(())
}

fn released(recording: &Audio, episode: &Episode, out: &Path) -> String {
    let (before, after) = (recording.loudness.integrated_lufs, episode.loudness.integrated_lufs);
    let (audio, waveform) = (out.join(&episode.audio), out.join(&episode.waveform));
    format!("{} ({before:.1} → {after:.1} LUFS)\n{}", audio.display(), waveform.display())
}

/// Why the publication is not out.
async fn standing(jobs: &Jobs, publication: &Publication) -> jobwork::Result<String> {
    let Some(step) = publication.failed() else { return Ok("not finished".to_owned()) };
    let failure = jobs.history(step.id).await?.into_iter().rev().find_map(|attempt| attempt.failure);
    let Some(failure) = failure else { return Ok(format!("{} before it was done", step.state)) };
    let cause = failure.detail.as_deref().and_then(|causes| causes.lines().last());
    let cause = cause.filter(|cause| !failure.message.contains(cause));
    Ok(format!("failed: {}{}", failure.message, cause.map(|cause| format!(" ({cause})")).unwrap_or_default()))
}

/// Removes what the steps left for one another, of the episodes that are out.
pub(crate) fn tidy(publications: &[Publication], out: &Path) {
    for done in publications.iter().filter(|publication| publication.is_done()) {
        for kind in ["wav", "mp3"] {
            // What is not there any more needs no removing; what can't be removed does no harm.
            let _ = std::fs::remove_file(work(out).join(format!("{}.{kind}", done.slug)));
        }
    }
    // Only once it is empty.
    let _ = std::fs::remove_dir(work(out));
}
