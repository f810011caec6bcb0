//! Shows how far the publications are: a line for each step that is done, and on a terminal one more that lives.

use std::collections::HashSet;
use std::io::{IsTerminal, Stdout, Write, stdout};

use jobwork::prelude::*;
use jobwork::{JobId, JobState, Record};
use podcast::{Audio, Episode};

use crate::jobs::{OptimizePodcast, ProcessPodcast};
use crate::publication::{Before, Publication, output};

/// What has been shown so far.
#[derive(Debug)]
pub(crate) struct Progress {
    out: Stdout,
    live: bool,
    shown: HashSet<JobId>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { out: stdout(), live: stdout().is_terminal(), shown: HashSet::new() }
    }

    /// Says what was there before.
    pub(crate) fn begin(&mut self, publications: &[Publication]) {
        for Publication { slug, steps, before, .. } in publications {
            let done: Vec<&Record> = steps.iter().filter(|step| step.state == JobState::Completed).collect();
            self.shown.extend(done.iter().map(|step| step.id));
            match before {
                Before::Nothing => {}
                _ if done.len() == steps.len() => self.line(&format!("{slug}: published before")),
                Before::Failed => self.line(&format!("{slug}: failed before, trying again")),
                Before::Begun => {
                    let verbs: Vec<_> = done.iter().map(|step| verb(step)).collect();
                    let verbs = if verbs.is_empty() { "dispatched".to_owned() } else { verbs.join(" and ") };
                    self.line(&format!("{slug}: {verbs} before, carrying on"));
                }
            }
        }
    }

    /// Shows what has been done since the last time, and what is being done.
    pub(crate) fn show(&mut self, publications: &[Publication]) {
        for publication in publications {
            for step in &publication.steps {
                if step.state == JobState::Completed && self.shown.insert(step.id) {
                    self.line(&format!("{}: {}{}", publication.slug, verb(step), figures(step)));
                }
            }
        }
        self.status(publications);
    }

    /// Writes a line that stays. One that can't be written, because nobody reads any more, is not worth stopping for.
    fn line(&mut self, line: &str) {
        let clear = if self.live { "\r\x1b[K" } else { "" };
        let _ = writeln!(self.out, "{clear}{line}");
        let _ = self.out.flush();
    }

    /// Writes the line that lives, where there is a terminal.
    fn status(&mut self, publications: &[Publication]) {
        if !self.live {
            return;
        }
        let running = publications.iter().filter_map(|publication| {
            let step = publication.steps.iter().find(|step| step.state == JobState::Running)?;
            Some(format!("{} of {}", step.name, publication.slug))
        });
        let ended = publications.iter().filter(|publication| publication.has_ended()).count();
        let running: Vec<String> = running.collect();
        let status = format!("[{ended}/{}] {}", publications.len(), running.join(", "));
        // A line that wraps could not be cleared: this many fit everywhere.
        let status: String = status.chars().take(78).collect();
        let _ = write!(self.out, "\r\x1b[K{status}");
        let _ = self.out.flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.live {
            let _ = write!(self.out, "\r\x1b[K");
            let _ = self.out.flush();
        }
    }
}

fn verb(step: &Record) -> &'static str {
    match step.name.as_str() {
        ProcessPodcast::NAME => "processed",
        OptimizePodcast::NAME => "optimised",
        _ => "released",
    }
}

/// What is worth knowing of the step's result.
fn figures(step: &Record) -> String {
    if let Some(audio) = output::<Audio>(step) {
        return format!(" ({})", audio.loudness);
    }
    output::<Episode>(step).map(|episode| format!(" as “{}”", episode.title)).unwrap_or_default()
}
