use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What has become of a job.
///
/// ```text
/// waiting ──▶ scheduled ──▶ ready ──▶ running ──▶ completed
///    │            ▲           ▲          ├──────▶ scheduled   (retry, snooze)
///    │            └───────────┴──────────┼──────▶ ready       (handed back, rescued)
///    ▼                                   ├──────▶ discarded · dead
/// cancelled ◀────────────────────────────┘
/// ```
///
/// Completed, cancelled, discarded and dead are final, until somebody retries the job by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JobState {
    /// Another job must complete first.
    Waiting,
    /// Ready, but not before its time.
    Scheduled,
    /// A worker may claim it.
    Ready,
    /// A worker owns it.
    Running,
    /// Succeeded.
    Completed,
    /// Cancelled by somebody, or with the chain it belongs to.
    Cancelled,
    /// Ended by its own word ([`JobError::discard`](super::JobError::discard)).
    Discarded,
    /// Failed for good: kept for somebody to look at and retry.
    Dead,
}

impl JobState {
    /// Every state, in the order a job can pass through them.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Scheduled,
        Self::Ready,
        Self::Running,
        Self::Completed,
        Self::Cancelled,
        Self::Discarded,
        Self::Dead,
    ];

    /// Whether nothing more happens to the job by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Discarded | Self::Dead)
    }

    /// The state as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no state.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown state `{0}`, expected one of waiting, scheduled, ready, running, completed, cancelled, discarded, dead"
)]
pub struct UnknownState(String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}
