//! A failed attempt is counted, and one that was rescued, handed back, snoozed, rate limited or never begun is not. The numbers of the runs say
//! so, and so does what the store keeps in the end.

use std::ops::RangeInclusive;

use jobwork::JobState;

use super::run::{RunView, Write};
use super::{Job, View, Violation};
use crate::history::Remains;

pub(super) const RULE: &str = "attempts";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in view.jobs.values() {
        violations.extend(numbers(job));
        let Some((place, remains)) = job.remains else { continue };
        for what in [count(job, remains), rescues(view, job, remains), story(job, remains)].into_iter().flatten() {
            let what = format!("of the job {}, {what}", remains.job);
            violations.push(Violation { rule: RULE, what, lines: [job.lines(), vec![place]].concat() });
        }
    }
    violations
}

/// By how much runs of one claim make the attempt of the next one larger: more than one answer where nobody knows whether their outcome was taken.
fn counts(runs: &[RunView<'_>]) -> RangeInclusive<u32> {
    let failed = |write: Option<&Write<'_>>| write.is_some_and(|write| write.outcome == "failed");
    let known = runs.iter().any(|run| failed(run.stored()));
    let possible = runs.iter().any(|run| failed(run.perhaps_stored()));
    u32::from(known)..=u32::from(possible)
}

/// The runs of each claim: more than one only if the store hands a job out twice.
fn by_claim<'j, 'a>(job: &'j Job<'a>) -> impl Iterator<Item = &'j [RunView<'a>]> {
    job.runs.chunk_by(|one, other| one.run.claim == other.run.claim)
}

/// Runs whose number does not follow from those before. A run that is not in the history has never failed: it would have been handed out in
/// a line.
fn numbers(job: &Job<'_>) -> Vec<Violation> {
    let (mut violations, mut expected) = (Vec::new(), 1..=1);
    for runs in by_claim(job) {
        let attempt = runs[0].run.attempt;
        if !expected.contains(&attempt) {
            violations.push(violation(job, &runs[0], &expected));
        }
        let counted = counts(runs);
        expected = attempt + counted.start()..=attempt + counted.end();
    }
    violations
}

fn violation(job: &Job<'_>, run: &RunView<'_>, expected: &RangeInclusive<u32>) -> Violation {
    let what = format!("a run of the job {} is attempt {}, expected {expected:?}", run.run.job, run.run.attempt);
    Violation { rule: RULE, what, lines: job.lines() }
}

/// The attempts that the store counts in the end: the failed ones, and the one that ended the job.
fn count(job: &Job<'_>, remains: &Remains) -> Option<String> {
    let failed = failed(job);
    let last = last(remains);
    let expected = failed.start() + last.start()..=failed.end() + last.end();
    let found = remains.attempt;
    (!expected.contains(&found)).then(|| format!("{found} attempts are counted in the end, expected {expected:?}"))
}

fn failed(job: &Job<'_>) -> RangeInclusive<u32> {
    by_claim(job).map(counts).fold(0..=0, |sum, one| sum.start() + one.start()..=sum.end() + one.end())
}

/// Whether the state that a job is left in counts an attempt beside those that failed.
fn last(remains: &Remains) -> RangeInclusive<u32> {
    match remains.state {
        JobState::Completed | JobState::Running => 1..=1,
        // A worker's death costs no attempt.
        JobState::Dead if remains.reason.as_deref() == Some("poison pill") => 0..=0,
        // Also of a job that never ran, if the output of another does not fit into its arguments.
        JobState::Dead if remains.reason.as_deref().is_some_and(|reason| reason.starts_with("undecodable")) => 0..=1,
        JobState::Dead => 1..=1,
        // By a run, or while none was there; or in place of a retry that would have counted.
        JobState::Cancelled | JobState::Discarded => 0..=1,
        _ => 0..=0,
    }
}

/// The rescues that the store counts: those that were answered, and perhaps some whose answer never came.
fn rescues(view: &View<'_>, job: &Job<'_>, remains: &Remains) -> Option<String> {
    let (counted, known) = (remains.rescues as usize, job.rescues.len());
    let possible = known..=known + view.unanswered_rescues.len();
    (!possible.contains(&counted)).then(|| format!("{counted} rescues are counted in the end, expected {possible:?}"))
}

/// The job's history in the store: the failed attempts, numbered without a gap.
fn story(job: &Job<'_>, remains: &Remains) -> Option<String> {
    let told: Vec<u32> =
        remains.story.iter().filter(|(_, word)| word == "failed").map(|(attempt, _)| *attempt).collect();
    let (low, high) = failed(job).into_inner();
    // A retry of a job that was to be cancelled is told as its cancel.
    let low = low.saturating_sub(u32::from(remains.state == JobState::Cancelled));
    let expected = (1..).take(told.len());
    let right = (low..=high).contains(&(told.len() as u32)) && told.iter().copied().eq(expected);
    (!right).then(|| format!("the failed attempts {told:?} are told in the end, expected {low} to {high} of them"))
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::{Cancelled, Completed, Dead};

    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, claimed, left, of, rescued, rescuing, run, whole, writing, written,
    };
    use crate::history::{Event, Remains};

    #[test]
    fn a_failed_attempt_is_counted() {
        let then = |attempt| of(whole(run(1, 1, 1), "failed").into_iter().chain([claimed(run(1, attempt, 2))]));
        assert_kept(check, &then(2));
        assert_broken(check, &then(1));
        assert_broken(check, &then(3));
        assert_broken(check, &of([claimed(run(1, 2, 1))]));
    }

    #[test]
    fn one_that_was_given_back_is_not() {
        for outcome in ["handed back", "snoozed", "rate limited", "unstarted"] {
            let then = |attempt| of(whole(run(1, 1, 1), outcome).into_iter().chain([claimed(run(1, attempt, 2))]));
            assert_kept(check, &then(1));
            assert_broken(check, &then(2));
        }
    }

    #[test]
    fn one_that_was_rescued_is_not() {
        let then = |attempt| of([claimed(run(1, 1, 1)), rescuing(), rescued([1]), claimed(run(1, attempt, 2))]);
        assert_kept(check, &then(1));
        assert_broken(check, &then(2));
    }

    #[test]
    fn a_failure_whose_answer_was_lost_may_be_counted_or_not() {
        let then = |attempt| of([claimed(run(1, 1, 1)), writing(run(1, 1, 1), "failed"), claimed(run(1, attempt, 2))]);
        assert_kept(check, &then(1));
        assert_kept(check, &then(2));
        assert_broken(check, &then(3));
    }

    #[test]
    fn a_failure_that_was_refused_is_not_counted_unless_an_earlier_write_of_it_was_taken() {
        let first = run(1, 1, 1);
        let refused = |again: bool, attempt| {
            let earlier = again.then(|| writing(first, "failed"));
            let lines = [claimed(first)]
                .into_iter()
                .chain(earlier)
                .chain([writing(first, "failed"), written(first, "failed", false)]);
            of(lines.chain([claimed(run(1, attempt, 2))]))
        };
        assert_kept(check, &refused(false, 1));
        assert_broken(check, &refused(false, 2));
        assert_kept(check, &refused(true, 2));
    }

    fn failed_once(remains: Remains) -> Vec<crate::history::Line> {
        let runs = whole(run(1, 1, 1), "failed").into_iter().chain(whole(run(1, 2, 2), "completed"));
        of(runs.chain([Event::Remains(remains)]))
    }

    #[test]
    fn the_store_counts_and_tells_the_attempts_in_the_end() {
        let remains = Remains { attempt: 2, story: vec![(1, "failed".to_owned())], ..left(1, Completed) };
        assert_kept(check, &failed_once(remains.clone()));
        assert_broken(check, &failed_once(Remains { attempt: 1, ..remains.clone() }));
        assert_broken(check, &failed_once(Remains { story: Vec::new(), ..remains.clone() }));
        assert_broken(check, &failed_once(Remains { story: vec![(2, "failed".to_owned())], ..remains }));
    }

    #[test]
    fn a_poison_pill_counts_no_attempt_and_all_its_rescues() {
        let lines = |rescues, attempt| {
            let reason = Some("poison pill".to_owned());
            let end = Event::Remains(Remains { rescues, attempt, reason, ..left(1, Dead) });
            of([claimed(run(1, 1, 1)), rescuing(), rescued([1]), end])
        };
        assert_kept(check, &lines(1, 0));
        assert_broken(check, &lines(1, 1));
        assert_broken(check, &lines(0, 0));
        assert_broken(check, &lines(2, 0));
    }

    #[test]
    fn a_retry_of_a_job_that_was_to_be_cancelled_is_its_cancel() {
        let end =
            Event::Remains(Remains { attempt: 1, story: vec![(1, "cancelled".to_owned())], ..left(1, Cancelled) });
        assert_kept(check, &of(whole(run(1, 1, 1), "failed").into_iter().chain([end])));
    }
}
