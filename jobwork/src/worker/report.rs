use std::fmt;

use serde::Serialize;

use crate::job::JobId;

/// How a worker's life ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StopReport {
    /// What made it stop.
    pub reason: StopReason,
    /// How many jobs it completed in its whole life.
    pub completed: u64,
    /// Jobs that were not done when it stopped, and went back to their queue; they cost no attempt.
    pub handed_back: Vec<JobId>,
    /// Jobs whose outcome could not be written before the end; whoever rescues them will run them again.
    pub abandoned: Vec<JobId>,
}

/// What made a worker stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StopReason {
    /// A signal of the operating system.
    Signal,
    /// [`WorkerHandle::stop`](super::WorkerHandle::stop) or its kin.
    Asked,
    /// An operator, by way of the store.
    Told,
    /// There was nothing left to do, and it was to run only until then.
    Empty,
    /// The async runtime that its jobs ran on is gone.
    Runtime,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Signal => "a signal",
            Self::Asked => "its own program",
            Self::Told => "an operator",
            Self::Empty => "nothing left to do",
            Self::Runtime => "the end of its runtime",
        })
    }
}
