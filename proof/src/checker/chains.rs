//! A chain's member is handed out only after the one before it completed, with that one's output among its arguments; and none ends as if the
//! one before it had ended otherwise.
//!
//! Each member of the chains that the proof dispatches takes the output of the one before, as the value of one of its arguments.

use jobwork::{JobId, JobState};
use serde_json::Value;

use super::{Job, View, Violation};

pub(super) const RULE: &str = "chains";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, job) in &view.jobs {
        let Some((_, before)) = view.before(job) else { continue };
        let broken = [early(before, job), value(before, job), end(before, job)];
        violations.extend(broken.into_iter().flatten().map(|what| violation(*id, before, job, &what)));
    }
    violations
}

fn violation(id: JobId, before: &Job<'_>, job: &Job<'_>, what: &str) -> Violation {
    let mut lines = [before.lines(), job.lines()].concat();
    lines.sort_unstable();
    lines.dedup();
    Violation { rule: RULE, what: format!("the chain member {id} {what}"), lines }
}

/// A member that was handed out before the one before it can have completed.
fn early(before: &Job<'_>, job: &Job<'_>) -> Option<String> {
    let claimed = job.runs.iter().filter_map(|run| run.claimed()).min()?;
    let completed = before.runs.iter().filter_map(|run| run.perhaps_stored());
    let completed = completed.filter(|write| write.outcome == "completed").map(|write| write.began).min();
    let early = completed.is_none_or(|completed| completed > claimed);
    early.then(|| "was handed out before the one before it completed".to_owned())
}

/// A member that was handed out with another value than the output of the one before.
fn value(before: &Job<'_>, job: &Job<'_>) -> Option<String> {
    let output = before.remains?.1.output.as_deref()?;
    let expected: Value = serde_json::from_str(output).ok()?;
    let wrong = |args: &&str| match serde_json::from_str(args) {
        Ok(Value::Object(fields)) => !fields.values().any(|value| *value == expected),
        _ => true,
    };
    let args = job.runs.iter().flat_map(|run| &run.claims).map(|(_, args)| *args).find(wrong)?;
    Some(format!("was handed out with {args}, expected the value {output}"))
}

/// A member that has ended, or goes on, as it can't after the end of the one before.
fn end(before: &Job<'_>, job: &Job<'_>) -> Option<String> {
    let (first, state) = (before.state()?, job.state()?);
    let right = match first {
        JobState::Completed => true,
        // What was discarded here has expired. One that is left open is lost, which is another rule.
        JobState::Cancelled | JobState::Discarded => {
            matches!(state, JobState::Cancelled | JobState::Discarded) || !state.is_final()
        }
        _ => !matches!(state, JobState::Completed | JobState::Dead),
    };
    (!right).then(|| format!("is {} behind one that is {}", state.as_str(), first.as_str()))
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::{Cancelled, Completed, Dead, Discarded, Waiting};

    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, chain, claimed_with, left, of, remains, rescued, rescuing, run, whole, writing,
        written,
    };
    use crate::history::{Event, Remains};

    fn given(output: &str) -> Event {
        Event::Remains(Remains { output: Some(output.to_owned()), ..left(1, Completed) })
    }

    #[test]
    fn a_member_is_handed_out_after_the_one_before_it_completed() {
        let (first, second) = (run(1, 1, 1), run(2, 1, 2));
        let begin = |outcome| [chain([1, 2]), claimed_with(first, "{}"), writing(first, outcome)];
        let next = || claimed_with(second, r#"{"n":1}"#);
        assert_kept(check, &of(begin("completed").into_iter().chain([next(), written(first, "completed", true)])));
        assert_broken(check, &of(begin("failed").into_iter().chain([next()])));
        assert_broken(
            check,
            &of([chain([1, 2]), next(), writing(first, "completed"), written(first, "completed", true)]),
        );
        let refused = [written(first, "completed", false), next()];
        assert_broken(check, &of(begin("completed").into_iter().chain(refused)));
    }

    #[test]
    fn a_completion_whose_answer_was_lost_may_have_released_the_next() {
        let (first, second) = (run(1, 1, 1), run(2, 1, 2));
        let lines =
            [chain([1, 2]), claimed_with(first, "{}"), writing(first, "completed"), claimed_with(second, r#"{"n":1}"#)];
        assert_kept(check, &of(lines.into_iter().chain([rescuing(), rescued([2])])));
    }

    #[test]
    fn a_member_is_given_the_output_of_the_one_before() {
        let lines = |args| {
            let first = [chain([1, 2])].into_iter().chain(whole(run(1, 1, 1), "completed"));
            of(first.chain([claimed_with(run(2, 1, 2), args), given("[1, 20]"), remains(2, Completed)]))
        };
        assert_kept(check, &lines(r#"{"text":"a","numbers":[1,20]}"#));
        assert_broken(check, &lines(r#"{"text":"a","numbers":[1,21]}"#));
        assert_broken(check, &lines(r#"{"text":"a"}"#));
    }

    #[test]
    fn no_member_ends_well_behind_one_that_did_not() {
        let ends = |first, second| of([chain([1, 2]), remains(1, first), remains(2, second)]);
        for (first, second) in [(Cancelled, Cancelled), (Discarded, Cancelled), (Dead, Waiting), (Dead, Cancelled)] {
            assert_kept(check, &ends(first, second));
        }
        for (first, second) in [(Cancelled, Completed), (Discarded, Dead), (Dead, Completed), (Waiting, Completed)] {
            assert_broken(check, &ends(first, second));
        }
    }
}
