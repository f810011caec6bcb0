//! What the store holds in the end is what it was told: a job has the state that the outcome it took gives it, and none without an outcome.

use jobwork::JobState;

use super::{Job, View, Violation};
use crate::history::Remains;

pub(super) const RULE: &str = "agrees";

pub(super) fn check(view: &View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in view.jobs.values() {
        let Some((_, remains)) = job.remains else { continue };
        if let Some(what) = told(job, remains).or_else(|| untold(job, remains)) {
            let what = format!("the job {} is {} in the end, {what}", remains.job, remains.state.as_str());
            violations.push(Violation { rule: RULE, what, lines: job.lines() });
        }
    }
    violations
}

/// An outcome was taken that ends a job in another state. One that the store lost entirely leaves it open, which is another rule.
fn told(job: &Job<'_>, remains: &Remains) -> Option<String> {
    let ended = job.runs.iter().filter_map(|run| run.ended());
    let states: Vec<&str> = ended.map(|write| write.outcome).collect();
    let right = states.is_empty() || states.contains(&remains.state.as_str()) || !remains.state.is_final();
    (!right).then(|| format!("but was stored as {}", states.join(" and ")))
}

/// Nobody wrote the outcome that gives it this state.
fn untold(job: &Job<'_>, remains: &Remains) -> Option<String> {
    let reason = remains.reason.as_deref().unwrap_or_default();
    let by_itself = match remains.state {
        // Too many deaths of workers, or the output of another job that does not fit.
        JobState::Dead => reason == "poison pill" || reason.starts_with("undecodable"),
        JobState::Discarded => reason == "expired",
        JobState::Completed => false,
        _ => true,
    };
    (!by_itself && !job.perhaps(remains.state.as_str())).then(|| "without an outcome that says so".to_owned())
}

#[cfg(test)]
mod tests {
    use jobwork::JobState::{Completed, Dead, Discarded};

    use super::check;
    use crate::checker::sample::{
        assert_broken, assert_kept, claimed, left, of, remains, run, whole, writing, written,
    };
    use crate::history::{Event, Remains};

    #[test]
    fn a_job_ends_as_its_outcome_says() {
        let lines = |state| of(whole(run(1, 1, 1), "completed").into_iter().chain([remains(1, state)]));
        assert_kept(check, &lines(Completed));
        assert_broken(check, &lines(Discarded));
        assert_broken(check, &lines(Dead));
    }

    #[test]
    fn a_job_completes_only_if_somebody_said_so() {
        let one = run(1, 1, 1);
        assert_kept(check, &of([claimed(one), writing(one, "completed"), remains(1, Completed)]));
        assert_broken(check, &of([claimed(one), remains(1, Completed)]));
        let refused = [claimed(one), writing(one, "completed"), written(one, "completed", false)];
        assert_broken(check, &of(refused.into_iter().chain([remains(1, Completed)])));
    }

    #[test]
    fn a_poison_pill_is_dead_by_nobodys_word() {
        let poison = Remains { reason: Some("poison pill".to_owned()), ..left(1, Dead) };
        assert_kept(check, &of([claimed(run(1, 1, 1)), Event::Remains(poison)]));
        assert_broken(check, &of([claimed(run(1, 1, 1)), remains(1, Dead)]));
    }
}
