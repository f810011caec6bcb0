//! A run that goes on for long after its right was lost, or its cancel was requested, is told to stop.
//!
//! Only the time counts in which the process that performs it shows that it lives and its store answers: a process that is stopped, or whose
//! store is gone, can't be told.

use super::fenced::lost;
use super::run::RunView;
use super::{Job, View, Violation};
use crate::history::Event;

pub(super) const RULE: &str = "signals";

/// A worker that lives and is answered has told its jobs by then, in milliseconds. It beats every second, so this leaves room for beats that fail
/// or hang, and for jobs that keep the thread which would write down the signal.
const PATIENCE: i64 = 60_000;

/// Between answers that are farther apart, in milliseconds, nobody knows whether the process lived. A worker looks for dead ones twice a second.
const GAP: i64 = 2_000;

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in view.jobs.values() {
        for run in &job.runs {
            let told = first_reason(job, run).filter(|(_, place)| is_patient(view, run, *place));
            let Some((why, place)) = told else { continue };
            let what = format!("a run of the job {} went on without being told to stop: {why}", run.run.job);
            violations.push(Violation { rule: RULE, what, lines: [vec![place], run.lines()].concat() });
        }
    }
    violations
}

/// The first reason to tell a run that it should stop.
fn first_reason(job: &Job<'_>, run: &RunView<'_>) -> Option<(&'static str, usize)> {
    let requested = job.cancels.iter().filter(|(_, answer)| *answer == "requested");
    let requested = requested.filter_map(|(call, _)| Some(("its cancel was requested", call.answered?)));
    lost(job, run).chain(requested).min_by_key(|(_, place)| *place)
}

/// Whether the run went on for longer than anybody needs to tell it.
fn is_patient(view: &View<'_>, run: &RunView<'_>, reason: usize) -> bool {
    let Some((started, by)) = run.started else { return false };
    let left = view.leaves.get(&run.run.worker).copied();
    let over = [run.signalled, run.returned, run.first_write(), left].into_iter().flatten().min();
    let over = over.unwrap_or(view.lines.len());
    let range = reason.max(started)..over;
    let answers = view.lines.get(range).unwrap_or_default().iter();
    let answers: Vec<i64> =
        answers.filter(|line| line.by == by && is_answer(&line.event)).map(|line| line.at).collect();
    let alive = answers.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| (0..=GAP).contains(gap));
    alive.sum::<i64>() > PATIENCE
}

/// Whether a line says that the store has answered its writer.
fn is_answer(event: &Event) -> bool {
    matches!(event, Event::Claimed { .. } | Event::Written { .. } | Event::Rescued { .. } | Event::Joined { .. })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, cancelled, cancelling, claimed, rescued, rescuing, run, started,
    };
    use crate::history::{Event, Line};

    /// A run of process 1, these events of process 2, and then answers to process 1, so far apart.
    fn lines(events: Vec<Event>, apart: i64, answers: i64, told: bool) -> Vec<Line> {
        let one = run(1, 1, 1);
        let begin = [(1, claimed(one)), (1, started(one))];
        let told = told.then(|| (1, Event::Signalled { run: one, reason: "requested".to_owned() }));
        let first = begin.into_iter().chain(events.into_iter().map(|event| (2, event))).chain(told);
        let rest = (0..answers).map(|_| (1, rescued([])));
        let all = first.map(|line| (0, line)).chain((1..).zip(rest));
        all.map(|(place, (by, event))| Line { at: place * apart, by, event }).collect()
    }

    fn requested() -> Vec<Event> {
        vec![cancelling(1), cancelled(1, "requested")]
    }

    #[test]
    fn a_run_that_is_to_be_cancelled_is_told() {
        assert_broken(check, &lines(requested(), 500, 200, false));
        assert_kept(check, &lines(requested(), 500, 200, true));
        assert_kept(check, &lines(Vec::new(), 500, 200, false));
        assert_kept(check, &lines(vec![cancelling(1)], 500, 200, false));
    }

    #[test]
    fn a_run_that_has_lost_its_right_is_told() {
        assert_broken(check, &lines(vec![rescuing(), rescued([1])], 500, 200, false));
        assert_kept(check, &lines(vec![rescuing(), rescued([1])], 500, 200, true));
        assert_kept(check, &lines(vec![rescuing(), rescued([2])], 500, 200, false));
    }

    #[test]
    fn it_takes_a_while_to_be_told() {
        assert_kept(check, &lines(requested(), 500, 100, false));
    }

    #[test]
    fn a_process_that_is_stopped_tells_nobody() {
        assert_kept(check, &lines(requested(), 600_000, 5, false));
    }
}
