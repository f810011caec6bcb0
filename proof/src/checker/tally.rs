use std::collections::BTreeMap;
use std::fmt;

use jobwork::JobState;

use super::call::Call;
use super::run::RunView;
use super::{Job, View};

/// What a history counts, whether or not it is as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that dispatchers were promised.
    pub promised: usize,
    /// Runs that were handed out.
    pub claimed: usize,
    /// Runs that began.
    pub started: usize,
    /// Promised jobs by what became of them.
    pub ended: BTreeMap<&'static str, usize>,
    /// Jobs that were taken from dead workers, each time.
    pub rescued: usize,
    /// Runs that began and counted for nothing, so that another one of the job began: what at least once costs.
    pub duplicates: usize,
    /// Outcomes that came too late, and were refused.
    pub fenced: usize,
    /// Outcomes of which nobody knows whether they were taken.
    pub unknown: usize,
    /// The milliseconds between the last that was heard of a worker's process and the rescue of each of its jobs, in order.
    pub silences: Vec<i64>,
}

impl Tally {
    pub(super) fn new(view: &View<'_>) -> Self {
        let mut tally = Self::default();
        view.jobs.values().for_each(|job| tally.count(view, job));
        tally.silences.sort_unstable();
        tally
    }

    fn count(&mut self, view: &View<'_>, job: &Job<'_>) {
        if !job.promises.is_empty() {
            self.promised += 1;
            *self.ended.entry(job.state().map_or("missing", JobState::as_str)).or_default() += 1;
        }
        self.claimed += job.runs.iter().map(|run| run.claims.len()).sum::<usize>();
        let began: Vec<_> = job.runs.iter().filter(|run| run.started.is_some()).collect();
        self.started += began.len();
        // The last one that began is no duplicate of those before it: they are.
        let counted_for_nothing = began.iter().rev().skip(1).filter(|run| !is_explained(run));
        self.duplicates += counted_for_nothing.count();
        let writes = || job.runs.iter().map(|run| &run.writes);
        self.fenced += job.runs.iter().filter(|run| !run.writes.is_empty() && run.perhaps_stored().is_none()).count();
        self.unknown += writes().filter(|writes| writes.last().is_some_and(|write| write.answered.is_none())).count();
        self.rescued += job.rescues.len();
        self.silences.extend(job.rescues.iter().filter_map(|rescue| silence(view, job, rescue)));
    }

    /// The silence that so many percent of the rescues were made within, in milliseconds.
    #[must_use]
    pub fn silence(&self, percent: usize) -> Option<i64> {
        let last = self.silences.len().checked_sub(1)?;
        self.silences.get((last * percent).div_ceil(100)).copied()
    }
}

/// Whether the job went on because of the run's own outcome.
fn is_explained(run: &RunView<'_>) -> bool {
    run.stored().is_some() || run.perhaps_stored().is_some_and(|write| !matches!(write.outcome, "completed" | "dead"))
}

/// How long nothing had been heard of the process whose run was rescued; `None` where that is the rescuer's own.
fn silence(view: &View<'_>, job: &Job<'_>, rescue: &Call) -> Option<i64> {
    let answered = rescue.answered?;
    let claims = job.runs.iter().filter_map(RunView::claimed);
    let claimed = claims.filter(|claimed| *claimed < rescue.began).max()?;
    let (by, rescuer) = (view.lines[claimed].by, &view.lines[answered]);
    let heard = view.lines[..answered].iter().rev().find(|line| line.by == by)?;
    // Clocks can be shifted against one another.
    (by != rescuer.by && heard.at <= rescuer.at).then(|| rescuer.at - heard.at)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { promised, claimed, started, rescued, duplicates, fenced, unknown, .. } = self;
        write!(f, "{promised} jobs promised:")?;
        self.ended.iter().try_for_each(|(state, jobs)| write!(f, " {jobs} {state}"))?;
        writeln!(f)?;
        writeln!(f, "{claimed} runs handed out, {started} begun, {duplicates} of them duplicates")?;
        writeln!(f, "{rescued} rescues, {fenced} late outcomes refused, {unknown} outcomes without an answer")?;
        let [Some(half), Some(most), Some(all)] = [50, 99, 100].map(|percent| self.silence(percent)) else {
            return Ok(());
        };
        writeln!(f, "rescued after a silence of {half} ms (p50), {most} ms (p99), {all} ms (max)")
    }
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::Completed;

    use super::Tally;
    use crate::checker::View;
    use crate::checker::sample::{by, claimed, dispatched, remains, rescued, rescuing, run, started, writing, written};

    /// A worker dies, another one rescues its job and completes it, and the first one comes back and is refused.
    #[test]
    fn a_tally_counts_what_at_least_once_costs() {
        let (first, second) = (run(1, 1, 1), run(1, 1, 2));
        let lines = by([
            (1, dispatched(1)),
            (1, claimed(first)),
            (1, started(first)),
            (2, rescuing()),
            (2, rescued([1])),
            (2, claimed(second)),
            (2, started(second)),
            (2, writing(second, "completed")),
            (2, written(second, "completed", true)),
            (1, writing(first, "completed")),
            (1, written(first, "completed", false)),
            (3, remains(1, Completed)),
        ]);
        let tally = Tally::new(&View::new(&lines));
        let expected = Tally {
            promised: 1,
            claimed: 2,
            started: 2,
            ended: [("completed", 1)].into(),
            rescued: 1,
            duplicates: 1,
            fenced: 1,
            unknown: 0,
            silences: vec![200],
        };
        assert_eq!(tally, expected);
        let text = tally.to_string();
        assert!(
            text.starts_with("1 jobs promised: 1 completed\n2 runs handed out, 2 begun, 1 of them duplicates\n"),
            "{text}"
        );
        assert!(text.contains("200 ms (p50)"), "{text}");
    }
}
