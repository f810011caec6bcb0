use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Event;

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was written, in milliseconds since 1970 by the clock of whoever wrote it.
    pub at: i64,
    /// Who wrote it: the number of a process, or of an actor of a simulation. One that was killed never writes again: what is started in its
    /// place has another number.
    pub by: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The lines.
    pub lines: Vec<Line>,
    /// How many lines were cut short, as a kill can do.
    pub torn: usize,
}

/// Reads the history of a file.
///
/// # Errors
/// When the file can't be read.
pub fn read(file: &Path) -> anyhow::Result<Read> {
    let reader = BufReader::new(File::open(file).with_context(|| format!("can't read {}", file.display()))?);
    let mut read = Read::default();
    for text in reader.split(b'\n') {
        let text = text?;
        match serde_json::from_slice(&text) {
            Ok(line) => read.lines.push(line),
            Err(_) if text.is_empty() => {}
            Err(_) => read.torn += 1,
        }
    }
    Ok(read)
}
