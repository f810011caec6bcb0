use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Lease;

/// How far a job has come, by its own word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    fraction: f64,
    message: String,
    at: Timestamp,
}

// The fraction is a number, whatever it was made of: see `new`.
impl Eq for Progress {}

impl Progress {
    /// A progress of this fraction of the whole: below 0 is 0, above 1 is 1, and what is no number is 0.
    #[must_use]
    pub fn new(fraction: f64, message: impl Into<String>, at: Timestamp) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        Self { fraction, message: message.into(), at }
    }

    /// The part of the work that is done, from 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.fraction
    }

    /// What the job says about it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// When it said so.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// How grave a line of a job's log is, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something may fail.
    Warn,
    /// Something happened that people want to know.
    Info,
    /// Something happened that helps to find a mistake.
    Debug,
    /// Anything.
    Trace,
}

impl LogLevel {
    /// Every level, the gravest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A line of a job's log that is kept with the job.
///
/// Of each job the newest lines are kept, at most [`MOST_LINES`](Self::MOST_LINES) of all its attempts together and at
/// most [`MOST_BYTES`](Self::MOST_BYTES) of text: what went wrong last is what people look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The attempt that wrote it, from 1.
    pub attempt: u32,
    /// When it was written.
    pub at: Timestamp,
    /// How grave it is.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
}

impl LogLine {
    /// More lines than this are not kept with a job.
    pub const MOST_LINES: usize = 500;

    /// More text than this, in bytes, is not kept with a job.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// A line is cut to this many bytes of text.
    pub const LONGEST: usize = 4 * 1024;

    /// A line; a text that is longer than [`LONGEST`](Self::LONGEST) loses its end.
    #[must_use]
    pub fn new(attempt: u32, at: Timestamp, level: LogLevel, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > Self::LONGEST {
            let end = (0..=Self::LONGEST).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
        }
        Self { attempt, at, level, text }
    }

    /// How many of these lines are kept, given the lengths of their texts in bytes, the newest first.
    pub(crate) fn kept(newest_first: impl IntoIterator<Item = usize>) -> usize {
        let total = newest_first.into_iter().scan(0_usize, |total, length| {
            *total += length;
            Some(*total)
        });
        total.take(Self::MOST_LINES).take_while(|total| *total <= Self::MOST_BYTES).count()
    }

    /// Drops the oldest lines, if there are more than are kept.
    pub(crate) fn drop_oldest(lines: &mut VecDeque<Self>) {
        let kept = Self::kept(lines.iter().rev().map(|line| line.text.len()));
        lines.drain(..lines.len() - kept);
    }
}

/// What a running job wants to be known or kept, with the right to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The right to write it: as with an outcome, the note counts only while the job is running under this lease.
    pub lease: Lease,
    /// How far it has come; `None` leaves what was said before.
    pub progress: Option<Progress>,
    /// Where to go on, as JSON, for the next attempt; `None` leaves what was stored before.
    pub checkpoint: Option<String>,
    /// Lines for its log, the oldest first.
    pub log: Vec<LogLine>,
}

impl Note {
    /// A note that says nothing yet.
    #[must_use]
    pub fn new(lease: Lease) -> Self {
        Self { lease, progress: None, checkpoint: None, log: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_a_part_of_the_whole() {
        let fraction = |given| Progress::new(given, "", Timestamp::UNIX_EPOCH).fraction();
        assert_eq!([-1.0, 0.25, 7.0, f64::INFINITY, f64::NAN].map(fraction), [0.0, 0.25, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = LogLine::new(1, Timestamp::UNIX_EPOCH, LogLevel::Info, "ü".repeat(LogLine::LONGEST));
        assert_eq!(line.text, "ü".repeat(LogLine::LONGEST / 2));
        let odd = LogLine::new(1, Timestamp::UNIX_EPOCH, LogLevel::Info, format!("a{}", line.text));
        assert_eq!(odd.text.len(), LogLine::LONGEST - 1);
    }

    #[test]
    fn the_newest_lines_are_kept() {
        assert_eq!(LogLine::kept([1; 501]), 500);
        assert_eq!(LogLine::kept([LogLine::LONGEST; 17]), 16);
        assert_eq!(LogLine::kept([]), 0);
    }
}
