//! A job has one owner at a time: it is not handed out while another run's right is certainly in force, and two runs never both end it.

use std::cmp::max;

use super::call::Call;
use super::run::RunView;
use super::{Job, View, Violation};

pub(super) const RULE: &str = "one_owner";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    view.jobs.values().flat_map(|job| [Rights::new(view, job).check(), both_end(job)]).flatten().collect()
}

/// Runs of one claim's number that both ended the job. Where the numbers differ, one of them was fenced too late, or handed out too late.
fn both_end(job: &Job<'_>) -> Vec<Violation> {
    let ended: Vec<_> = job.runs.iter().filter(|run| run.ended().is_some()).collect();
    let pairs = ended.windows(2).filter(|pair| pair[0].run.claim == pair[1].run.claim);
    pairs.map(|pair| violation(pair[0], pair[1], "two runs of it ended it")).collect()
}

/// Finds a reason why each run of a job lost its right before the next one was handed out.
struct Rights<'v, 'a> {
    view: &'v View<'a>,
    job: &'v Job<'a>,
    /// Rescues that nothing has been explained by; each takes the job from one run.
    rescues: Vec<Call>,
    /// How many more the store counts.
    hidden: usize,
    /// The next run was not handed out before this place.
    since: usize,
}

impl<'v, 'a> Rights<'v, 'a> {
    fn new(view: &'v View<'a>, job: &'v Job<'a>) -> Self {
        Self { view, job, rescues: job.rescues.clone(), hidden: job.hidden_rescues(), since: 0 }
    }

    fn check(mut self) -> Vec<Violation> {
        let (runs, mut violations) = (&self.job.runs, Vec::new());
        for (place, pair) in runs.windows(2).enumerate() {
            // A claim is older than its line, and than the lines of later claims.
            let deadline = runs[place + 1..].iter().filter_map(RunView::claimed).min();
            let same = pair[0].run.claim == pair[1].run.claim;
            if same || deadline.is_some_and(|deadline| !self.is_explained(&pair[0], deadline)) {
                violations.push(violation(&pair[0], &pair[1], "it was handed out while it ran"));
            }
        }
        let twice = runs.iter().filter(|run| run.claims.len() > 1);
        violations.extend(twice.map(|run| violation(run, run, "one claim of it was handed out twice")));
        violations
    }

    fn is_explained(&mut self, run: &RunView<'_>, deadline: usize) -> bool {
        if let Some(given_up) = self.view.given_up(run).filter(|place| *place < deadline) {
            self.since = max(self.since, given_up);
            return true;
        }
        if self.is_rescued(deadline) {
            return true;
        }
        let is_hidden = self.hidden > 0 && self.view.unanswered_rescues.iter().any(|began| *began < deadline);
        self.hidden -= usize::from(is_hidden);
        is_hidden
    }

    /// Takes the rescue that is over first, since later runs can be explained by the others as well.
    fn is_rescued(&mut self, deadline: usize) -> bool {
        let fits = |call: &Call| call.began < deadline && call.answered > Some(self.since);
        let fitting = || self.rescues.iter().enumerate().filter(|(_, call)| fits(call));
        let Some((first, _)) = fitting().min_by_key(|(_, call)| call.answered) else { return false };
        let earliest = fitting().map(|(_, call)| call.began).min();
        self.since = max(self.since, earliest.unwrap_or_default());
        self.rescues.remove(first);
        true
    }
}

fn violation(one: &RunView<'_>, other: &RunView<'_>, how: &str) -> Violation {
    let what = format!("the job {} has two owners: {how}", one.run.job);
    let mut lines = [one.lines(), other.lines()].concat();
    lines.sort_unstable();
    lines.dedup();
    Violation { rule: RULE, what, lines }
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::Completed;

    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, by, claimed, left, of, remains, rescued, rescuing, run, whole, worker, writing,
        written,
    };
    use crate::history::{Event, Remains};

    #[test]
    fn a_job_that_runs_is_not_handed_out() {
        let (first, second) = (run(1, 1, 1), run(1, 1, 2));
        assert_broken(check, &of([claimed(first), claimed(second), remains(1, Completed)]));
        assert_kept(check, &of([claimed(first), rescuing(), claimed(second), rescued([1]), remains(1, Completed)]));
        assert_broken(check, &of([claimed(first), rescuing(), rescued([2]), claimed(second), remains(1, Completed)]));
        assert_broken(check, &of([claimed(first), claimed(second), rescuing(), rescued([1]), remains(1, Completed)]));
    }

    #[test]
    fn each_rescue_takes_a_job_from_one_run() {
        let runs = [run(1, 1, 1), run(1, 1, 2), run(1, 1, 3)];
        let [first, second, third] = runs.map(claimed);
        let once = [rescuing(), rescued([1])];
        let twice = || [rescuing(), rescued([1])];
        assert_broken(check, &of([first.clone()].into_iter().chain(once).chain([second.clone(), third.clone()])));
        let lines = [first].into_iter().chain(twice()).chain([second]).chain(twice()).chain([third]);
        assert_kept(check, &of(lines));
    }

    #[test]
    fn an_outcome_ends_a_right_even_if_its_answer_was_lost() {
        let (first, second) = (run(1, 1, 1), run(1, 2, 2));
        assert_kept(check, &of([claimed(first), writing(first, "failed"), claimed(second)]));
        assert_broken(
            check,
            &of([claimed(first), writing(first, "failed"), written(first, "failed", false), claimed(second)]),
        );
    }

    #[test]
    fn a_worker_that_leaves_gives_up_what_it_has() {
        let (first, second) = (run(1, 1, 1), run(1, 1, 2));
        let leave = Event::Leaving { worker: worker(1) };
        assert_kept(check, &of([claimed(first), leave, claimed(second)]));
        assert_broken(check, &of([claimed(first), Event::Leaving { worker: worker(2) }, claimed(second)]));
    }

    #[test]
    fn a_rescue_whose_rescuer_was_killed_counts_if_the_store_counts_it() {
        let (first, second) = (run(1, 1, 1), run(1, 1, 2));
        let lines = |rescues| {
            let end = Event::Remains(Remains { rescues, ..left(1, Completed) });
            by([(1, claimed(first)), (2, rescuing()), (3, claimed(second)), (3, end)])
        };
        assert_kept(check, &lines(1));
        assert_broken(check, &lines(0));
    }

    #[test]
    fn a_claim_whose_line_comes_late_is_older_than_its_line() {
        let (stopped, second) = (run(1, 1, 1), run(1, 1, 2));
        let calls = [rescuing(), rescued([1])];
        let lines = calls.into_iter().chain(whole(second, "completed")).chain([claimed(stopped)]);
        assert_kept(check, &of(lines));
        assert_broken(check, &of(whole(second, "completed").into_iter().chain([claimed(stopped)])));
    }

    #[test]
    fn one_claim_is_handed_to_one_worker() {
        let first = run(1, 1, 1);
        let second = crate::history::Run { worker: worker(2), ..first };
        assert_broken(check, &of([claimed(first), claimed(second)]));
        assert_broken(check, &of([claimed(first), claimed(first)]));
    }
}
