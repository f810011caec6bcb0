//! What a job's return means once its cancel signal may have fired: the table of the lifecycle, and nothing else.

use crate::job::{FailureKind, JobError};
use crate::perform::{CancelReason, JobResult, Output};

/// What came of running a job.
#[derive(Clone, Debug)]
pub(crate) enum Returned {
    /// It returned, or panicked.
    Result(JobResult),
    /// It was still running when its cleanup time had passed.
    Overran,
}

/// What the worker knows of a job's cancel signal when the job has returned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Why it fired, if it did.
    pub(crate) reason: Option<CancelReason>,
    /// Whether the job looked at it after that.
    pub(crate) seen: bool,
    /// Whether the job said that its work is done all the same.
    pub(crate) finished: bool,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub(crate) enum Judgement {
    /// A success.
    Completed(Output),
    /// A success that took longer than the job's timeout, unnoticed by the job.
    CompletedLate(Output),
    /// A failed attempt.
    Failed(JobError),
    /// Back to its queue.
    HandedBack(Option<JobError>),
    /// Cancelled, never retried.
    Cancelled(Option<JobError>),
    /// Nothing: the job belongs to another worker.
    Nothing,
}

/// Judges what a job returned by why it was told to stop and whether it saw that.
pub(crate) fn judge(signal: Seen, returned: Returned) -> Judgement {
    let unimpressed = !signal.seen || signal.finished;
    match (signal.reason, returned) {
        (None, Returned::Result(Ok(output))) => Judgement::Completed(output),
        (None, Returned::Result(Err(error))) => Judgement::Failed(error),
        // Without a signal there is no cleanup time to overrun: somebody dropped the job.
        (None, Returned::Overran) => Judgement::HandedBack(None),
        (Some(CancelReason::LeaseLost), _) => Judgement::Nothing,
        (Some(CancelReason::Timeout), Returned::Result(Ok(output))) if !signal.seen => Judgement::CompletedLate(output),
        (Some(_), Returned::Result(Ok(output))) if unimpressed => Judgement::Completed(output),
        (Some(CancelReason::Shutdown), returned) => Judgement::HandedBack(other_error(returned)),
        (Some(CancelReason::Requested), returned) => Judgement::Cancelled(other_error(returned)),
        (Some(CancelReason::Timeout), returned) => Judgement::Failed(timed_out(other_error(returned))),
    }
}

/// The error a job returned after its signal, unless it only says that it was told to stop.
fn other_error(returned: Returned) -> Option<JobError> {
    match returned {
        Returned::Result(Err(error)) if error.kind() != FailureKind::Cancelled => Some(error),
        Returned::Result(_) | Returned::Overran => None,
    }
}

fn timed_out(error: Option<JobError>) -> JobError {
    let detail = error.map(|error| format!("then it returned: {error}"));
    JobError::of_kind(FailureKind::Timeout, "took longer than its timeout", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cancelled;

    const OK: fn() -> Returned = || Returned::Result(Ok(Output::new("1".to_owned())));
    const TOLD: fn() -> Returned = || Returned::Result(Err(Cancelled::new().into()));
    const BROKE: fn() -> Returned = || Returned::Result(Err(JobError::new("broke")));
    const OVERRAN: fn() -> Returned = || Returned::Overran;

    /// The judgement in a word, with the error that is kept.
    fn word(reason: Option<CancelReason>, seen: bool, finished: bool, returned: fn() -> Returned) -> String {
        match judge(Seen { reason, seen, finished }, returned()) {
            Judgement::Completed(_) => "completed".to_owned(),
            Judgement::CompletedLate(_) => "completed late".to_owned(),
            Judgement::Failed(error) => format!("failed: {} {}", error.kind(), error.detail().unwrap_or("")),
            Judgement::HandedBack(error) => format!("handed back {}", error.map(|e| e.to_string()).unwrap_or_default()),
            Judgement::Cancelled(error) => format!("cancelled {}", error.map(|e| e.to_string()).unwrap_or_default()),
            Judgement::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn without_a_signal_a_return_means_what_it_says() {
        assert_eq!(word(None, false, false, OK), "completed");
        assert_eq!(word(None, false, false, BROKE), "failed: error ");
    }

    #[test]
    fn shutdown() {
        let reason = Some(CancelReason::Shutdown);
        assert_eq!(word(reason, false, false, OK), "completed");
        assert_eq!(word(reason, true, false, OK), "handed back ");
        assert_eq!(word(reason, true, true, OK), "completed");
        assert_eq!(word(reason, true, false, TOLD), "handed back ");
        assert_eq!(word(reason, true, false, OVERRAN), "handed back ");
        assert_eq!(word(reason, false, false, BROKE), "handed back broke");
    }

    #[test]
    fn requested() {
        let reason = Some(CancelReason::Requested);
        assert_eq!(word(reason, false, false, OK), "completed");
        assert_eq!(word(reason, true, false, OK), "cancelled ");
        assert_eq!(word(reason, true, true, OK), "completed");
        assert_eq!(word(reason, true, false, TOLD), "cancelled ");
        assert_eq!(word(reason, true, false, OVERRAN), "cancelled ");
        assert_eq!(word(reason, true, false, BROKE), "cancelled broke");
    }

    #[test]
    fn timeout() {
        let reason = Some(CancelReason::Timeout);
        assert_eq!(word(reason, false, false, OK), "completed late");
        assert_eq!(word(reason, true, false, OK), "failed: timeout ");
        assert_eq!(word(reason, true, true, OK), "completed");
        assert_eq!(word(reason, true, false, TOLD), "failed: timeout ");
        assert_eq!(word(reason, true, false, OVERRAN), "failed: timeout ");
        assert_eq!(word(reason, true, false, BROKE), "failed: timeout then it returned: broke");
    }

    #[test]
    fn lease_lost() {
        for returned in [OK, TOLD, BROKE, OVERRAN] {
            assert_eq!(word(Some(CancelReason::LeaseLost), true, true, returned), "nothing");
        }
    }
}
