#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{Attempt, Failure, FailureKind, Finished, JobId, JobState, Lease, Outcome, WorkerId};
use crate::store::{Settled, Store};

pub async fn a_completed_job_keeps_its_output(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.pass(SECOND);
    case.settle(lease, completed(r#"{"size":12345678901234567890}"#)).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.attempt, job.worker), (JobState::Completed, 1, None));
    assert_eq!(job.output.as_deref(), Some(r#"{"size":12345678901234567890}"#));
    assert_eq!((job.finished_at, job.reason), (Some(case.now), None));
}

pub async fn a_success_leaves_no_entry_in_the_history(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.settle(lease, completed("null")).await;
    assert_eq!(case.history(lease.job).await, []);
}

pub async fn an_outcome_keeps_the_time_at_which_it_happened(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let at = case.now;
    case.pass(HOUR);
    let finished = [Finished { lease, outcome: completed("1"), at }];
    assert_eq!(case.store.finish(Arc::new(finished)).await.unwrap(), [Settled::Stored]);
    assert_eq!(case.record(lease.job).await.finished_at, Some(at));
}

pub async fn a_failed_job_is_scheduled_for_its_next_attempt(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.settle(lease, failed(case.in_an_hour())).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.attempt, job.worker), (JobState::Scheduled, 1, None));
    assert_eq!((job.run_at, job.finished_at), (case.in_an_hour(), None));
    assert_eq!(case.claim(worker, 1).await, []);
    case.pass(HOUR);
    assert_eq!(case.claim_one(worker).await.lease.attempt, 2);
}

pub async fn a_failure_is_kept_in_the_history(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.pass(SECOND);
    let failure = Failure {
        kind: FailureKind::Panic,
        message: "index out of bounds – 日本".to_owned(),
        detail: Some("at main.rs\nat lib.rs".to_owned()),
        middleware: Some("measure".to_owned()),
    };
    case.settle(lease, Outcome::Retry { at: case.now, failure: failure.clone() }).await;
    let expected = Attempt::new(1, worker, case.now, "failed".to_owned(), Some(failure));
    assert_eq!(case.history(lease.job).await, [expected]);
}

pub async fn the_history_is_told_oldest_first_in_the_outcomes_words(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let job = case.push_one(job()).await;
    let mut expected = Vec::new();
    for outcome in every_outcome(case.now).into_iter().filter(|outcome| outcome.word().is_some()) {
        let lease = case.start(job, worker).await;
        let word = outcome.word().unwrap().to_owned();
        expected.push(Attempt::new(lease.attempt, worker, case.now, word, outcome.failure().cloned()));
        case.settle(lease, outcome).await;
        case.retry(job).await;
    }
    assert_eq!(case.history(job).await, expected);
}

pub async fn a_snoozed_job_waits_its_time_and_uses_no_attempt(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.settle(lease, Outcome::Snoozed { until: case.in_an_hour() }).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.attempt, job.run_at), (JobState::Scheduled, 0, case.in_an_hour()));
    case.pass(HOUR);
    assert_eq!(case.claim_one(worker).await.lease.attempt, 1);
}

pub async fn a_job_handed_back_is_ready_at_once_and_uses_no_attempt(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.pass(SECOND);
    case.settle(lease, handed_back()).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.attempt, job.worker), (JobState::Ready, 0, None));
    assert_eq!(case.start(lease.job, worker).await.attempt, 1);
}

pub async fn a_job_handed_back_keeps_its_place_in_the_line(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.push(jobs(3)).await;
    case.pass(SECOND);
    case.settle(lease, handed_back()).await;
    case.start(lease.job, worker).await;
}

pub async fn a_second_attempt_handed_back_stays_the_second(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.settle(lease, failed(case.now)).await;
    let second = case.start(lease.job, worker).await;
    case.settle(second, handed_back()).await;
    assert_eq!(case.record(lease.job).await.attempt, 1);
    assert_eq!(case.start(lease.job, worker).await.attempt, 2);
}

pub async fn a_cancelled_job_is_final(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.pass(SECOND);
    case.settle(lease, cancelled()).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.worker, job.finished_at), (JobState::Cancelled, None, Some(case.now)));
    case.pass(HOUR);
    assert_eq!(case.claim(worker, 1).await, []);
}

pub async fn a_discarded_job_keeps_its_own_word(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.settle(lease, discarded()).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.finished_at), (JobState::Discarded, Some(case.now)));
    assert_eq!(job.reason.as_deref(), Some("nobody wants it"));
}

pub async fn a_dead_job_says_why_and_keeps_its_arguments(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for reason in DEAD_REASONS {
        let lease = case.running(worker).await;
        case.settle(lease, dead(reason.clone())).await;
        let job = case.record(lease.job).await;
        assert_eq!((job.state, job.worker, job.finished_at), (JobState::Dead, None, Some(case.now)));
        assert_eq!((job.reason, job.args.as_str()), (Some(reason.to_string()), "{}"));
    }
}

/// Tries every outcome under a lease that gives no right, and sees that the job stays as it is.
async fn is_lost(case: &Case, lease: Lease, job: JobId) {
    let before = (case.record(job).await, case.history(job).await);
    for outcome in every_outcome(case.in_an_hour()) {
        assert_eq!(case.finish(lease, outcome.clone()).await, Settled::Lost, "{outcome:?}");
        assert_eq!((case.record(job).await, case.history(job).await), before, "{outcome:?}");
    }
}

pub async fn an_outcome_from_another_worker_is_lost_and_changes_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    is_lost(&case, Lease { worker: case.join().await, ..lease }, lease.job).await;
    is_lost(&case, Lease { worker: WorkerId::fresh(), ..lease }, lease.job).await;
    case.settle(lease, completed("1")).await;
}

pub async fn an_outcome_of_another_attempt_is_lost_and_changes_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let first = case.running(worker).await;
    case.settle(first, failed(case.now)).await;
    let second = case.start(first.job, worker).await;
    is_lost(&case, first, first.job).await;
    is_lost(&case, Lease { attempt: 3, ..second }, first.job).await;
    is_lost(&case, Lease { attempt: 0, ..second }, first.job).await;
    case.settle(second, completed("1")).await;
}

pub async fn an_outcome_of_a_job_that_does_not_run_is_lost_and_changes_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let job = case.push_one(job()).await;
    is_lost(&case, Lease { job, attempt: 0, worker, claim: 0 }, job).await;
    is_lost(&case, Lease { job, attempt: 1, worker, claim: 1 }, job).await;
    let scheduled = case.push_one(due(case.in_an_hour())).await;
    is_lost(&case, Lease { job: scheduled, attempt: 1, worker, claim: 1 }, scheduled).await;
}

pub async fn an_outcome_of_an_unknown_job_is_lost(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let foreign = JobId::from(uuid::Uuid::from_u128(7));
    is_lost(&case, Lease { job: foreign, ..lease }, lease.job).await;
    is_lost(&case, Lease { job: JobId::derive(1 << 40, case.now), ..lease }, lease.job).await;
    let same_row_other_time = JobId::derive(lease.job.parts().map_or(1, |(seq, _)| seq), case.in_an_hour());
    is_lost(&case, Lease { job: same_row_other_time, ..lease }, lease.job).await;
}

pub async fn an_outcome_is_written_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in every_outcome(case.in_an_hour()) {
        let lease = case.running(worker).await;
        case.settle(lease, outcome).await;
        is_lost(&case, lease, lease.job).await;
        case.delete(lease.job).await;
    }
}

pub async fn an_outcome_of_an_earlier_claim_with_the_same_attempt_is_lost(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let first = case.running(worker).await;
    case.settle(first, handed_back()).await;
    let second = case.start(first.job, worker).await;
    assert_eq!((second.attempt, second.worker), (first.attempt, first.worker));
    is_lost(&case, first, first.job).await;
    case.settle(second, completed("1")).await;
}

pub async fn of_two_outcomes_in_one_batch_the_first_is_written(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let finished = [completed("1"), cancelled()].map(|outcome| Finished { lease, outcome, at: case.now });
    let settled = case.store.finish(Arc::new(finished)).await.unwrap();
    assert_eq!(settled, [Settled::Stored, Settled::Lost]);
    assert_eq!(case.state(lease.job).await, JobState::Completed);
}

pub async fn a_batch_settles_each_outcome_by_itself(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.push(jobs(9)).await;
    let leases: Vec<Lease> = case.claim(worker, 9).await.into_iter().map(|job| job.lease).collect();
    let of = |(index, outcome): (usize, Outcome)| {
        let lease = if index == 3 { Lease { attempt: 2, ..leases[index] } } else { leases[index] };
        Finished { lease, outcome, at: case.now }
    };
    let finished: Vec<Finished> = every_outcome(case.in_an_hour()).into_iter().enumerate().map(of).collect();
    let settled = case.store.finish(finished.into()).await.unwrap();
    let lost: Vec<usize> = (0..9).filter(|index| settled[*index] == Settled::Lost).collect();
    assert_eq!((settled.len(), lost), (9, vec![3]));
    use JobState::{Cancelled, Completed, Dead, Discarded, Ready, Running, Scheduled};
    let ids: Vec<JobId> = leases.iter().map(|lease| lease.job).collect();
    let expected = [Completed, Ready, Scheduled, Running, Scheduled, Ready, Cancelled, Discarded, Dead];
    assert_eq!(case.states(&ids).await, expected);
}

pub async fn an_empty_batch_settles_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    assert_eq!(case.store.finish(Arc::new([])).await.unwrap(), []);
}

pub async fn a_megabyte_of_output_comes_back_as_it_was(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let output = format!("\"{}\"", "é".repeat(1 << 19));
    case.settle(lease, completed(&output)).await;
    assert!(case.record(lease.job).await.output == Some(output));
}

pub async fn many_attempts_are_all_counted_and_kept(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let job = case.push_one(job()).await;
    for attempt in 1..=30 {
        let lease = case.start(job, worker).await;
        assert_eq!(lease.attempt, attempt);
        case.settle(lease, failed(after(case.now, SECOND))).await;
        case.pass(SECOND);
    }
    let attempts: Vec<u32> = case.history(job).await.into_iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(attempts, (1..=30).collect::<Vec<_>>());
}
