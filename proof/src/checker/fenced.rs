//! No outcome is taken of a run that had lost its right before the write began: to a rescue, to a newer claim, or because the job had ended.

use super::run::RunView;
use super::{Job, View, Violation};

pub(super) const RULE: &str = "fenced";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in view.jobs.values() {
        for run in job.runs.iter().filter(|run| run.stored().is_some()) {
            let Some((why, place)) = first_loss(job, run) else { continue };
            let what = format!("an outcome of the job {} was taken of a run that had lost it: {why}", run.run.job);
            violations.push(Violation { rule: RULE, what, lines: [vec![place], run.lines()].concat() });
        }
    }
    violations
}

fn first_loss(job: &Job<'_>, run: &RunView<'_>) -> Option<(&'static str, usize)> {
    let before = run.first_write()?;
    lost(job, run).find(|(_, place)| *place < before)
}

/// Where a run had certainly lost its right, and to what. It has one when it is handed out, and never gets it back.
pub(super) fn lost<'j>(job: &'j Job<'_>, run: &'j RunView<'_>) -> impl Iterator<Item = (&'static str, usize)> + 'j {
    let claimed = run.claimed().unwrap_or(usize::MAX);
    // What began before the line of the claim may have met an earlier run.
    let rescues = job.rescues.iter().filter(move |call| call.began > claimed).filter_map(|call| call.answered);
    let newer = job.runs.iter().filter(|other| other.run.claim > run.run.claim).filter_map(RunView::claimed);
    // Neither answer is given of a job that runs.
    let ended = job.cancels.iter().filter(|(_, answer)| matches!(*answer, "cancelled" | "ended"));
    let ended = ended.filter(move |(call, _)| call.began > claimed).filter_map(|(call, _)| call.answered);
    let rescues = rescues.map(|place| ("it was rescued", place));
    let newer = newer.map(|place| ("it was handed to another", place));
    rescues.chain(newer).chain(ended.map(|place| ("it was cancelled", place)))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, cancelled, cancelling, claimed, of, rescued, rescuing, run, writing, written,
    };

    #[test]
    fn an_outcome_that_is_written_after_a_rescue_is_refused() {
        let late = run(1, 1, 1);
        let lines = |stored| {
            of([
                claimed(late),
                rescuing(),
                rescued([1]),
                writing(late, "completed"),
                written(late, "completed", stored),
            ])
        };
        assert_kept(check, &lines(false));
        assert_broken(check, &lines(true));
    }

    #[test]
    fn an_outcome_that_is_written_while_a_rescue_goes_on_may_have_come_first() {
        let one = run(1, 1, 1);
        let lines = [claimed(one), rescuing(), writing(one, "failed"), rescued([1]), written(one, "failed", true)];
        assert_kept(check, &of(lines));
        assert_kept(check, &of([claimed(one), rescuing(), writing(one, "failed"), written(one, "failed", true)]));
    }

    #[test]
    fn a_rescue_that_began_before_the_claim_may_have_met_the_run_before() {
        let one = run(1, 1, 2);
        let lines =
            [rescuing(), claimed(one), rescued([1]), writing(one, "completed"), written(one, "completed", true)];
        assert_kept(check, &of(lines));
    }

    #[test]
    fn an_outcome_of_a_run_that_was_followed_by_another_is_refused() {
        let (first, second) = (run(1, 1, 1), run(1, 1, 2));
        let lines = [claimed(first), claimed(second), writing(first, "completed"), written(first, "completed", true)];
        assert_broken(check, &of(lines));
    }

    #[test]
    fn an_outcome_that_is_written_again_had_its_right_the_first_time() {
        let (first, second) = (run(1, 1, 1), run(1, 2, 2));
        let lines = [
            claimed(first),
            writing(first, "failed"),
            claimed(second),
            writing(first, "failed"),
            written(first, "failed", true),
        ];
        assert_kept(check, &of(lines));
    }

    #[test]
    fn an_outcome_of_a_job_that_was_cancelled_is_refused() {
        let one = run(1, 1, 1);
        let lines = |answer| {
            let cancel = [claimed(one), cancelling(1), cancelled(1, answer)];
            of(cancel.into_iter().chain([writing(one, "completed"), written(one, "completed", true)]))
        };
        assert_broken(check, &lines("cancelled"));
        assert_kept(check, &lines("requested"));
    }
}
