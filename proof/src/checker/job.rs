use jobwork::{JobId, JobState};

use super::call::Call;
use super::run::RunView;
use crate::history::{Promise, Remains};

/// What a history says of one job, by the places of its lines.
#[derive(Debug, Default)]
pub struct Job<'a> {
    /// The promises of it: more than one only if later dispatches were told of an existing job.
    pub promises: Vec<(usize, &'a Promise)>,
    /// Its runs, in the order in which they were handed out.
    pub runs: Vec<RunView<'a>>,
    /// The rescues that were answered with it among others.
    pub rescues: Vec<Call>,
    /// The answers to whoever cancelled it.
    pub cancels: Vec<(Call, &'a str)>,
    /// What the store holds in the end.
    pub remains: Option<(usize, &'a Remains)>,
}

impl Job<'_> {
    /// The chain that it is a member of, and its place there.
    #[must_use]
    pub fn member(&self) -> Option<(JobId, u32)> {
        let own = self.promises.iter().find(|(_, promise)| !promise.existing);
        own.and_then(|(_, promise)| Some((promise.chain?, promise.place)))
    }

    /// What the store says in the end has become of it.
    #[must_use]
    pub fn state(&self) -> Option<JobState> {
        self.remains.map(|(_, remains)| remains.state)
    }

    /// How many rescues of it the store counts, less those that are known.
    #[must_use]
    pub fn hidden_rescues(&self) -> usize {
        let counted = self.remains.map_or(usize::MAX, |(_, remains)| remains.rescues as usize);
        counted.saturating_sub(self.rescues.len())
    }

    /// Whether a run of it completed, or may have.
    #[must_use]
    pub fn perhaps(&self, outcome: &str) -> bool {
        self.runs.iter().any(|run| run.perhaps_stored().is_some_and(|write| write.outcome == outcome))
    }

    /// All of its lines, in their order.
    #[must_use]
    pub fn lines(&self) -> Vec<usize> {
        let promises = self.promises.iter().map(|(place, _)| *place);
        let calls = self.rescues.iter().chain(self.cancels.iter().map(|(call, _)| call));
        let calls = calls.flat_map(|call| [Some(call.began), call.answered]).flatten();
        let runs = self.runs.iter().flat_map(RunView::lines);
        let mut lines: Vec<_> = promises.chain(calls).chain(runs).chain(self.remains.map(|(place, _)| place)).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }
}
