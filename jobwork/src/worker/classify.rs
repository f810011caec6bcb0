//! What becomes of a job whose attempt has failed: retried when, or dead why.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::clock::after;
use crate::job::{Backoff, Claimed, DeadReason, FailureKind, JobError, Lease, Outcome, Verdict};
use crate::perform::{Handling, catch};

/// The outcome of an attempt of `job` that failed with `error` at `now`.
pub(crate) fn classify(handling: &Handling, job: &Claimed, error: &JobError, now: Timestamp) -> Outcome {
    let failure = error.to_failure();
    let dead = |reason| Outcome::Dead { reason, failure: error.to_failure() };
    match error.verdict() {
        Some(Verdict::Snooze(wait)) => return Outcome::Snoozed { until: after(now, *wait) },
        Some(Verdict::RateLimited(wait)) => return Outcome::RateLimited { until: after(now, *wait) },
        Some(Verdict::Discard(why)) => return Outcome::Discarded { why: why.clone() },
        Some(Verdict::Dead(_)) => return dead(DeadReason::ItsOwnWord),
        Some(Verdict::RetryAfter(_)) | None => {}
    }
    if error.kind() == FailureKind::Undecodable {
        return dead(DeadReason::Undecodable);
    }
    if !worth_retrying(handling, error) {
        return dead(DeadReason::NotWorthRetrying);
    }
    if job.lease.attempt > job.retries {
        return dead(DeadReason::Exhausted);
    }
    let wait = match error.verdict() {
        Some(Verdict::RetryAfter(wait)) => *wait,
        _ => backoff(handling, job.lease, error),
    };
    let at = after(now, wait);
    if job.retry_until.is_some_and(|last| at > last) {
        return dead(DeadReason::OutOfTime);
    }
    Outcome::Retry { at, failure }
}

/// A user's `retry_if` that panics decides nothing: the job is retried.
fn worth_retrying(handling: &Handling, error: &JobError) -> bool {
    let Some(retry_if) = handling.retry_if else { return true };
    catch(|| retry_if(error)).unwrap_or_else(|panic| {
        tracing::error!(error = %panic, "`retry_if` panicked; the job is retried");
        true
    })
}

/// A user's backoff function that panics is replaced by the default backoff.
fn backoff(handling: &Handling, lease: Lease, error: &JobError) -> std::time::Duration {
    let jitter = jitter(lease);
    catch(|| handling.backoff.wait(lease.attempt, error, jitter)).unwrap_or_else(|panic| {
        tracing::error!(error = %panic, "the backoff function panicked; the default backoff is used");
        Backoff::default().wait(lease.attempt, error, jitter)
    })
}

/// A number from 0 to 1 that differs from job to job and from attempt to attempt, and is the same in every replay.
fn jitter(lease: Lease) -> f64 {
    let mut hasher = DefaultHasher::new();
    (lease.job, lease.attempt).hash(&mut hasher);
    hasher.finish() as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::job::{JobId, WorkerId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn claimed(attempt: u32) -> Claimed {
        let lease = Lease { job: JobId::derive(1, NOW), attempt, worker: WorkerId::fresh(), claim: 1 };
        let job = Claimed::new(lease, "job".to_owned(), "default".to_owned(), "{}".to_owned(), NOW);
        Claimed { retries: 2, ..job }
    }

    fn outcome(handling: &Handling, attempt: u32, error: &JobError) -> Outcome {
        classify(handling, &claimed(attempt), error, NOW)
    }

    fn dead_reason(handling: &Handling, attempt: u32, error: &JobError) -> Option<DeadReason> {
        match outcome(handling, attempt, error) {
            Outcome::Dead { reason, .. } => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn two_retries_are_three_attempts() {
        let (handling, error) = (Handling::new(), JobError::new("no"));
        let reasons = [1, 2, 3].map(|attempt| dead_reason(&handling, attempt, &error));
        assert_eq!(reasons, [None, None, Some(DeadReason::Exhausted)]);
    }

    #[test]
    fn a_verdict_comes_before_the_rules() {
        let handling = Handling::new().retry_if(|_| false);
        let wait = Duration::from_secs(9);
        assert_eq!(outcome(&handling, 9, &JobError::snooze(wait)), Outcome::Snoozed { until: after(NOW, wait) });
        let limited = Outcome::RateLimited { until: after(NOW, wait) };
        assert_eq!(outcome(&handling, 9, &JobError::rate_limited(wait)), limited);
        assert_eq!(outcome(&handling, 9, &JobError::discard("old")), Outcome::Discarded { why: "old".to_owned() });
        assert_eq!(dead_reason(&handling, 1, &JobError::dead("no")), Some(DeadReason::ItsOwnWord));
    }

    #[test]
    fn retry_after_takes_the_place_of_the_backoff_but_not_of_the_limit() {
        let wait = Duration::from_secs(9);
        let error = JobError::retry_after(wait);
        assert!(matches!(outcome(&Handling::new(), 1, &error), Outcome::Retry { at, .. } if at == after(NOW, wait)));
        assert_eq!(dead_reason(&Handling::new(), 3, &error), Some(DeadReason::Exhausted));
    }

    #[test]
    fn a_retry_that_would_come_too_late_is_none() {
        let (handling, minute) = (Handling::new(), Duration::from_secs(60));
        let until = |seconds| Claimed { retry_until: Some(after(NOW, Duration::from_secs(seconds))), ..claimed(1) };
        let is_dead = |seconds, error: JobError| {
            let outcome = classify(&handling, &until(seconds), &error, NOW);
            matches!(outcome, Outcome::Dead { reason: DeadReason::OutOfTime, .. })
        };
        assert_eq!([59, 60].map(|seconds| is_dead(seconds, JobError::retry_after(minute))), [true, false]);
        assert_eq!([10, 3600].map(|seconds| is_dead(seconds, JobError::new("no"))), [true, false]);
        assert!(!is_dead(1, JobError::snooze(minute)), "a snooze is no retry");
    }

    #[test]
    fn what_is_not_worth_retrying_is_dead_at_once() {
        let handling = Handling::new().retry_if(|error| error.message() != "fatal");
        assert_eq!(dead_reason(&handling, 1, &JobError::new("fatal")), Some(DeadReason::NotWorthRetrying));
        assert_eq!(dead_reason(&handling, 1, &JobError::new("flaky")), None);
    }

    #[test]
    fn undecodable_arguments_are_not_tried_again() {
        let error = JobError::of_kind(FailureKind::Undecodable, "no", None);
        assert_eq!(dead_reason(&Handling::new(), 1, &error), Some(DeadReason::Undecodable));
    }

    #[test]
    fn a_panicking_rule_decides_nothing() {
        let handling = Handling::new().retry_if(|_| panic!("rule")).backoff(Backoff::Custom(|_, _| panic!("wait")));
        assert!(matches!(outcome(&handling, 1, &JobError::new("no")), Outcome::Retry { .. }));
    }
}
