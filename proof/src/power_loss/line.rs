//! What the program says about its calls, beside the history that a store call would get: what the jobs were after it, to the last field.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use jobwork::JobId;
use serde::{Deserialize, Serialize};

use super::found::Found;

/// A line about a call, which bears the call's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// It is about to be made.
    Begins(usize),
    /// It has returned `Ok`: from here on it is a promise.
    Acknowledged(usize),
    /// What it left of the jobs that it changed; `None` of one that it deleted. Written later, as looking takes time.
    Left(usize, Vec<(JobId, Option<Found>)>),
}

/// The file that they go to.
#[derive(Debug)]
pub(super) struct Lines(File);

impl Lines {
    pub(super) fn to(file: &Path) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        opened.map(Self).with_context(|| format!("can't write to {}", file.display()))
    }

    /// Writes a line, in one write.
    pub(super) fn write(&self, line: &Line) -> anyhow::Result<()> {
        let text = serde_json::to_string(line)? + "\n";
        let written = (&self.0).write(text.as_bytes())?;
        anyhow::ensure!(written == text.len(), "a line was cut short");
        Ok(())
    }
}
