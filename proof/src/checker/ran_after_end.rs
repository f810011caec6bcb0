//! No job is handed out after its final outcome, or its cancel, was answered by the store; and no run begins whose outcome was written before.
//!
//! A run may well begin after another one ended the job, if it was handed out before and a rescue has taken it from its worker since: that is a
//! duplicate, which at least once allows. [`Tally`](super::Tally) counts them.

use super::run::RunView;
use super::{Job, View, Violation};

pub(super) const RULE: &str = "ran_after_end";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let jobs = view.jobs.values();
    jobs.flat_map(|job| [after_outcome(job), after_cancel(view, job), after_itself(job)]).flatten().collect()
}

/// Runs that were handed out after one whose final outcome was taken. The numbers of the claims say so, wherever the lines stand: an outcome
/// is taken of the newest claim only. One that was handed out before that write began shows instead that it was not, which is another rule.
fn after_outcome(job: &Job<'_>) -> Vec<Violation> {
    let Some((end, write)) = job.runs.iter().find_map(|run| Some((run, run.ended()?))) else { return Vec::new() };
    let began = end.first_write().unwrap_or(write.began);
    let later = job.runs.iter().filter(|run| run.run.claim > end.run.claim);
    let later = later.filter(|run| run.claimed().is_some_and(|claimed| claimed > began));
    let violations = later.map(|run| {
        let what = format!("the job {} was handed out after it was stored as {}", run.run.job, write.outcome);
        Violation { rule: RULE, what, lines: [end.lines(), run.lines()].concat() }
    });
    violations.collect()
}

/// Runs that were handed out after the answer that the job was cancelled, or had ended before.
fn after_cancel(view: &View<'_>, job: &Job<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (call, answer) in job.cancels.iter().filter(|(_, answer)| matches!(*answer, "cancelled" | "ended")) {
        let Some(answered) = call.answered else { continue };
        for run in job.runs.iter().filter(|run| was_claimed_after(view, job, run, answered)) {
            let what = format!("the job {} was handed out after a cancel was answered: {answer}", run.run.job);
            let lines = [vec![call.began, answered], run.lines()].concat();
            violations.push(Violation { rule: RULE, what, lines });
        }
    }
    violations
}

/// A line can come late: the claim was made before, if it had lost its right again by then.
fn was_claimed_after(view: &View<'_>, job: &Job<'_>, run: &RunView<'_>, place: usize) -> bool {
    run.claimed().is_some_and(|claimed| claimed > place)
        && view.given_up(run).is_none_or(|given_up| given_up > place)
        && !job.rescues.iter().any(|rescue| rescue.began < place)
        && !view.perhaps_rescued(job, place)
}

/// Runs whose code begins after an outcome was written that only its end can have brought about.
fn after_itself(job: &Job<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for run in &job.runs {
        let Some((started, _)) = run.started else { continue };
        let returned = |outcome: &str| !matches!(outcome, "handed back" | "cancelled");
        if let Some(write) = run.writes.iter().find(|write| write.began < started && returned(write.outcome)) {
            let what = format!("a run of the job {} began after its outcome: {}", run.run.job, write.outcome);
            violations.push(Violation { rule: RULE, what, lines: run.lines() });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::{Cancelled, Completed};

    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, cancelled, cancelling, claimed, dispatched, of, remains, rescued, rescuing, run,
        started, writing, written,
    };

    #[test]
    fn a_completed_job_is_not_handed_out_again() {
        let first = run(1, 1, 1);
        let ended = || {
            [
                dispatched(1),
                claimed(first),
                started(first),
                writing(first, "completed"),
                written(first, "completed", true),
            ]
        };
        assert_kept(check, &of(ended().into_iter().chain([remains(1, Completed)])));
        assert_broken(check, &of(ended().into_iter().chain([claimed(run(1, 1, 2)), remains(1, Completed)])));
    }

    #[test]
    fn one_that_was_stopped_while_it_claimed_tells_of_an_old_claim_after_the_end() {
        let (stopped, other) = (run(1, 1, 1), run(1, 1, 2));
        let lines = [
            rescuing(),
            rescued([1]),
            claimed(other),
            started(other),
            writing(other, "completed"),
            written(other, "completed", true),
        ];
        let late = [claimed(stopped), started(stopped), remains(1, Completed)];
        assert_kept(check, &of(lines.into_iter().chain(late)));
    }

    #[test]
    fn an_outcome_that_was_not_answered_ends_nothing_for_sure() {
        let (first, second) = (run(1, 1, 1), run(1, 1, 2));
        assert_kept(
            check,
            &of([
                claimed(first),
                writing(first, "completed"),
                rescuing(),
                rescued([1]),
                claimed(second),
                started(second),
            ]),
        );
        let refused =
            [claimed(first), writing(first, "completed"), written(first, "completed", false), claimed(second)];
        assert_kept(check, &of(refused));
    }

    #[test]
    fn a_cancelled_job_is_not_handed_out() {
        let only = run(1, 1, 1);
        assert_broken(check, &of([cancelling(1), cancelled(1, "cancelled"), claimed(only), remains(1, Completed)]));
        assert_broken(check, &of([cancelling(1), cancelled(1, "ended"), claimed(only), remains(1, Completed)]));
        assert_kept(check, &of([cancelling(1), claimed(only), cancelled(1, "requested"), remains(1, Cancelled)]));
        assert_kept(check, &of([cancelling(1), claimed(only), remains(1, Completed)]));
    }

    #[test]
    fn a_claim_whose_line_comes_after_the_cancel_may_have_been_rescued_before_it() {
        let stopped = run(1, 1, 1);
        let calls = [rescuing(), rescued([1]), cancelling(1), cancelled(1, "cancelled")];
        assert_kept(check, &of(calls.into_iter().chain([claimed(stopped), started(stopped), remains(1, Cancelled)])));
    }

    #[test]
    fn a_run_does_not_begin_after_its_own_outcome() {
        let only = run(1, 1, 1);
        assert_broken(check, &of([claimed(only), writing(only, "unstarted"), started(only)]));
        assert_kept(check, &of([claimed(only), writing(only, "handed back"), started(only)]));
    }
}
