//! Every job that was promised is in a final state in the end, or waits for a chain member that is dead, until somebody retries that one.

use jobwork::JobState;

use super::{Job, View, Violation};

pub(super) const RULE: &str = "lost";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let promised = view.jobs.iter().filter(|(_, job)| !job.promises.is_empty());
    let lost = promised.filter(|(_, job)| !job.state().is_some_and(JobState::is_final) && !is_blocked(view, job));
    let violations = lost.map(|(id, job)| {
        let state = job.state().map_or("not in the store", JobState::as_str);
        let what = format!("the job {id} was promised to be run, and is {state} in the end");
        Violation { rule: RULE, what, lines: job.lines() }
    });
    violations.collect()
}

fn is_blocked(view: &View<'_>, job: &Job<'_>) -> bool {
    job.state() == Some(JobState::Waiting)
        && view
            .before(job)
            .is_some_and(|(_, before)| before.state() == Some(JobState::Dead) || is_blocked(view, before))
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::{Completed, Dead, Ready, Waiting};

    use super::check;
    use crate::checker::sample::{assert_broken, assert_kept, chain, dispatched, job, of, remains};

    #[test]
    fn a_job_that_is_ready_in_the_end_is_lost() {
        assert_kept(check, &of([dispatched(1), remains(1, Completed)]));
        assert_broken(check, &of([dispatched(1), remains(1, Ready)]));
    }

    #[test]
    fn a_job_that_the_store_does_not_know_is_lost() {
        assert_broken(check, &of([dispatched(1)]));
    }

    #[test]
    fn a_job_whose_dispatch_was_not_acknowledged_may_be_anything() {
        assert_kept(check, &of([remains(1, Ready)]));
    }

    #[test]
    fn whoever_waits_for_a_dead_member_is_blocked_and_not_lost() {
        let dispatch = || chain([1, 2, 3]);
        assert_kept(check, &of([dispatch(), remains(1, Dead), remains(2, Waiting), remains(3, Waiting)]));
        let verdict = check(&super::View::new(&of([
            dispatch(),
            remains(1, Completed),
            remains(2, Waiting),
            remains(3, Waiting),
        ])));
        assert_eq!(verdict.len(), 2);
        assert!(verdict[0].what.contains(&job(2).to_string()));
    }
}
