use std::fmt;
use std::path::PathBuf;

use super::Rescues;
use super::peace::Peace;
use super::storm::Faults;
use crate::checker::{self, Verdict, Violation};
use crate::history::{Line, Read};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    seed: u64,
    faults: Faults,
    peace: Peace,
    lines: usize,
    torn: usize,
    rescues: Rescues,
    verdict: Verdict,
    /// The broken promises, with the lines that show them.
    broken: Vec<String>,
    /// Where the history is, if it was kept.
    pub(super) kept: Option<PathBuf>,
}

impl Report {
    /// Checks a history.
    pub(super) fn new(seed: u64, faults: Faults, peace: Peace, read: &Read) -> Self {
        let (lines, torn) = (read.lines.len(), read.torn);
        let verdict = checker::check(&read.lines);
        let broken = verdict.violations.iter().map(|violation| words(violation, &read.lines)).collect();
        let rescues = Rescues::of(&read.lines);
        Self { seed, faults, peace, lines, torn, rescues, verdict, broken, kept: None }
    }

    /// Whether no promise was broken, and every job has ended, promised or not.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.verdict.violations.is_empty() && self.peace.open == 0
    }
}

/// A violation with the lines that show it.
fn words(violation: &Violation, lines: &[Line]) -> String {
    let shown = violation.lines.iter().filter_map(|place| Some((place, lines.get(*place)?)));
    let shown = shown.map(|(place, line)| {
        format!("\n    {place}: {}", serde_json::to_string(line).unwrap_or_else(|error| error.to_string()))
    });
    format!("{}: {}{}", violation.rule, violation.what, shown.collect::<String>())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.broken.iter().try_for_each(|broken| writeln!(f, "{broken}"))?;
        let faults = self.faults.iter().map(|(fault, count)| format!("{count} {}", fault.plural()));
        writeln!(f, "{}", faults.collect::<Vec<_>>().join(", "))?;
        write!(f, "{}", self.verdict.tally)?;
        let (kills, [half, most, all]) =
            (self.rescues.count(), [50, 99, 100].map(|percent| self.rescues.percentile(percent)));
        writeln!(f, "{kills} jobs of killed workers rescued after {half} ms (p50), {most} ms (p99), {all} ms (max)")?;
        let Peace { time, open } = self.peace;
        writeln!(f, "{open} jobs open after {} ms of peace", time.as_millis())?;
        let lost = self.verdict.violations.iter().filter(|violation| violation.rule == "lost").count();
        let (lines, torn, violations) = (self.lines, self.torn, self.verdict.violations.len());
        writeln!(f, "{lines} lines, {torn} torn, {violations} violations, {lost} lost")?;
        write!(f, "seed {}", self.seed)?;
        self.kept.iter().try_for_each(|kept| write!(f, ", history in {}", kept.display()))
    }
}
