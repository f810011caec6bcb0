use std::fmt;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What came of a case, as the case itself knows it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// So many jobs.
    pub(super) count: usize,
    /// From when on workers could have performed them until they had.
    pub(super) time: Duration,
    /// What happened, in words.
    pub(super) what: String,
}

/// What came of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// The name of the case.
    pub case: String,
    /// So many jobs.
    pub count: usize,
    /// In seconds, from when on workers could have performed them until they had.
    pub seconds: f64,
    /// The most memory that the process had, in megabytes; dispatcher and worker are one process.
    pub peak: f64,
    /// What happened, in words.
    pub what: String,
}

impl Figures {
    /// Those of a case that was run by this process.
    pub(super) fn of(case: String, outcome: Outcome) -> anyhow::Result<Self> {
        let Outcome { count, time, what } = outcome;
        Ok(Self { case, count, seconds: time.as_secs_f64(), peak: memory("VmHWM:")?, what })
    }
}

/// What the kernel says of the memory of this process, in megabytes.
pub(super) fn memory(key: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).context("no such line in the status")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1e3)
}

/// A row of the table.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, count, seconds, peak, what } = self;
        let rate = *count as f64 / seconds;
        write!(f, "{case:<20} {count:>8} {seconds:>8.1} s {rate:>9.0}/s {peak:>7.0} MB  {what}")
    }
}
