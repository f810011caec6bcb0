//! Reads a history, and finds whatever breaks a sentence of the contract (`docs/reliability.md`).
//!
//! Each rule is a file, and a function from a [`View`] to the [`Violation`]s of it. A rule speaks only where there is no other explanation: a
//! process can be killed, or stopped for a minute, between any two of its lines.

mod agrees;
mod attempts;
mod call;
mod chains;
mod fenced;
mod job;
mod lost;
mod one_owner;
mod ran_after_end;
mod run;
#[cfg(test)]
mod sample;
mod signals;
mod tally;
mod unique_ids;
mod view;

use crate::history::Line;

pub use self::call::Call;
pub use self::job::Job;
pub use self::run::{RunView, Write};
pub use self::tally::Tally;
pub use self::view::View;

/// A rule, by the name under which violations are reported.
type Rule = (&'static str, fn(&View<'_>) -> Vec<Violation>);

/// All of them.
const RULES: &[Rule] = &[
    (lost::RULE, lost::check),
    (ran_after_end::RULE, ran_after_end::check),
    (fenced::RULE, fenced::check),
    (one_owner::RULE, one_owner::check),
    (attempts::RULE, attempts::check),
    (chains::RULE, chains::check),
    (unique_ids::RULE, unique_ids::check),
    (agrees::RULE, agrees::check),
    (signals::RULE, signals::check),
];

/// A sentence of the contract that a history breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// What happened, in words, with the job.
    pub what: String,
    /// The lines that show it, counted from 0.
    pub lines: Vec<usize>,
}

/// What a history comes to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What is wrong with it; empty for a history as it should be.
    pub violations: Vec<Violation>,
    /// What there was of everything.
    pub tally: Tally,
}

impl Verdict {
    /// The names of the rules that are broken, each once, in their order.
    #[must_use]
    pub fn broken(&self) -> Vec<&'static str> {
        let is_broken = |rule: &&'static str| self.violations.iter().any(|violation| violation.rule == *rule);
        RULES.iter().map(|(rule, _)| *rule).filter(is_broken).collect()
    }
}

/// Checks a whole history, which ends with what the store holds.
#[must_use]
pub fn check(lines: &[Line]) -> Verdict {
    let view = View::new(lines);
    let violations = RULES.iter().flat_map(|(_, rule)| rule(&view)).collect();
    Verdict { violations, tally: Tally::new(&view) }
}
