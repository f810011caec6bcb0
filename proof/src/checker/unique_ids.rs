//! No id is given to two jobs. A dispatch may be told the id of an existing job, which has its unique key, and says so.

use super::{View, Violation};

pub(super) const RULE: &str = "unique_ids";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, job) in &view.jobs {
        let own: Vec<_> = job.promises.iter().filter(|(_, promise)| !promise.existing).collect();
        if own.len() > 1 {
            let what = format!("the id {id} was given to {} jobs", own.len());
            violations.push(Violation { rule: RULE, what, lines: own.iter().map(|(place, _)| *place).collect() });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::checker::sample::{assert_broken, assert_kept, dispatched, existing, of};

    #[test]
    fn an_id_is_given_once() {
        assert_kept(check, &of([dispatched(1), dispatched(2)]));
        assert_broken(check, &of([dispatched(1), dispatched(2), dispatched(1)]));
    }

    #[test]
    fn a_dispatch_may_be_told_of_a_job_that_is_there_already() {
        assert_kept(check, &of([existing(1), dispatched(1), existing(1)]));
    }
}
