use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Failure, Lease};

/// What became of one attempt; the only words in which a worker tells a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded, with this JSON as its output. Whoever waited for it is released in the same write.
    Completed {
        /// What it returned, as JSON.
        output: String,
    },
    /// It failed and has retries left.
    Retry {
        /// When it is due again.
        at: Timestamp,
        /// What went wrong.
        failure: Failure,
    },
    /// It asked to be run later; the attempt is not counted.
    Snoozed {
        /// When it is due again.
        until: Timestamp,
    },
    /// What it called has a limit that is used up: due again later, the attempt not counted, and the other jobs of its rate
    /// keys get no token before then.
    RateLimited {
        /// When it is due again.
        until: Timestamp,
    },
    /// It was claimed but never begun: ready as if it had not been claimed, its tokens returned, and no word of it in its
    /// history.
    Unstarted,
    /// The worker stopped before the job ended: ready now, the attempt not counted.
    HandedBack {
        /// What the job returned after its signal, kept in its history.
        failure: Option<Failure>,
    },
    /// Somebody cancelled it; the rest of its chain is cancelled in the same write.
    Cancelled {
        /// What the job returned after its signal, kept in its history.
        failure: Option<Failure>,
    },
    /// It ended itself; the rest of its chain is cancelled in the same write.
    Discarded {
        /// The job's own word for it.
        why: String,
    },
    /// It failed for good; the rest of its chain stays waiting, blocked.
    Dead {
        /// Why it is not retried.
        reason: DeadReason,
        /// What went wrong.
        failure: Failure,
    },
}

impl Outcome {
    /// The outcome's word in a job's history; `None` for a success, which leaves no entry.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Completed { .. } | Self::Unstarted => None,
            Self::Retry { .. } => Some("failed"),
            Self::Snoozed { .. } => Some("snoozed"),
            Self::RateLimited { .. } => Some("rate limited"),
            Self::HandedBack { .. } => Some("handed back"),
            Self::Cancelled { .. } => Some("cancelled"),
            Self::Discarded { .. } => Some("discarded"),
            Self::Dead { .. } => Some("dead"),
        }
    }

    /// What went wrong, where something did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Retry { failure, .. } | Self::Dead { failure, .. } => Some(failure),
            Self::HandedBack { failure } | Self::Cancelled { failure } => failure.as_ref(),
            Self::Completed { .. } | Self::Snoozed { .. } | Self::RateLimited { .. } | Self::Unstarted => None,
            Self::Discarded { .. } => None,
        }
    }

    /// Whether the job goes on by itself; one that was asked to be cancelled is cancelled instead.
    #[must_use]
    pub fn runs_again(&self) -> bool {
        match self {
            Self::Retry { .. } | Self::Snoozed { .. } | Self::RateLimited { .. } => true,
            Self::HandedBack { .. } | Self::Unstarted => true,
            Self::Completed { .. } | Self::Cancelled { .. } | Self::Discarded { .. } | Self::Dead { .. } => false,
        }
    }
}

/// Why a job is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DeadReason {
    /// Every retry was used.
    Exhausted,
    /// The next retry would come later than the job is retried at all.
    OutOfTime,
    /// `retry_if` said that trying again is pointless.
    NotWorthRetrying,
    /// The job said so itself ([`JobError::dead`](super::JobError::dead)).
    ItsOwnWord,
    /// The stored arguments don't fit the job's parameters.
    Undecodable,
    /// Too many workers died while they ran it.
    Poison,
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exhausted => "no retries left",
            Self::OutOfTime => "no time left to retry",
            Self::NotWorthRetrying => "not worth retrying",
            Self::ItsOwnWord => "dead by its own word",
            Self::Undecodable => "undecodable",
            Self::Poison => "poison pill",
        })
    }
}

/// An outcome with the right to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The right to write it.
    pub lease: Lease,
    /// What became of the attempt.
    pub outcome: Outcome,
    /// When the attempt ended.
    pub at: Timestamp,
}
