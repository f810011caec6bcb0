use std::fmt;

use super::store::Lease;

/// A process that works on jobs, as one worker after another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Whether it is there.
    pub life: Life,
    /// It can't reach the store: it was stopped by a signal, its machine sleeps, or the network is cut. Its jobs may go on.
    pub cut_off: bool,
    /// The worker that it is, or was when it ended.
    pub worker: u8,
    /// The jobs that it claimed, and whose outcomes it does not know to be written.
    pub runs: Vec<Run>,
    /// The tokens of claims whose answers it waits for no longer, and which it has not given back yet.
    pub unanswered: Vec<u8>,
}

/// Whether a process is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// It works.
    Up,
    /// It claims nothing more, waits for its jobs, and leaves.
    Stopping,
    /// It has left, or was killed.
    Down,
}

/// A job in the hands of a process.
///
/// Whether its code has begun makes no difference to anybody else, so a claim and a start are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Run {
    /// The right to write its outcome.
    pub lease: Lease,
    /// Whether it was told that it is to be cancelled.
    pub told: bool,
    /// What came of it. Somebody has spoken for it then, and nobody else may.
    pub outcome: Option<Outcome>,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It succeeded.
    Completed,
    /// It failed and has retries left.
    Failed,
    /// It failed and has none.
    Exhausted,
    /// It did not begin, or a stop came before its end: ready again, the attempt not counted.
    HandedBack,
    /// It was told to stop because somebody cancelled it, and did.
    Cancelled,
}

impl Outcome {
    /// Whether the job goes on.
    #[must_use]
    pub fn runs_again(self) -> bool {
        matches!(self, Self::Failed | Self::HandedBack)
    }
}

impl Process {
    /// A process that has just joined.
    #[must_use]
    pub fn new(worker: u8) -> Self {
        Self { life: Life::Up, cut_off: false, worker, runs: Vec::new(), unanswered: Vec::new() }
    }

    /// Whether it can call the store.
    #[must_use]
    pub fn reaches_the_store(&self) -> bool {
        self.life != Life::Down && !self.cut_off
    }

    /// Whether a job is in its hands and has not returned.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.runs.iter().any(|run| run.outcome.is_none())
    }

    /// Whether the store may think that it has a job.
    #[must_use]
    pub fn has_something(&self) -> bool {
        !(self.runs.is_empty() && self.unanswered.is_empty())
    }

    /// Takes a claimed job in.
    pub(super) fn take(&mut self, lease: Lease) {
        self.runs.push(Run { lease, told: false, outcome: None });
        self.runs.sort_unstable();
    }

    /// Tells the runs of these jobs that they are to be cancelled.
    pub(super) fn tell(&mut self, cancelled: &[usize]) {
        let running = self.runs.iter_mut().filter(|run| run.outcome.is_none() && cancelled.contains(&run.lease.job));
        running.for_each(|run| run.told = true);
    }

    /// A run has ended so. From now on nothing changes that.
    pub(super) fn say(&mut self, lease: Lease, outcome: Outcome) {
        self.runs.iter_mut().filter(|run| run.lease == lease).for_each(|run| run.outcome = Some(outcome));
        self.runs.sort_unstable();
    }

    /// An outcome is written, or came too late.
    pub(super) fn forget(&mut self, lease: Lease) {
        self.runs.retain(|run| run.lease != lease);
    }

    /// Its jobs belong to others: nobody speaks for those that have not returned; outcomes on their way will be found to be too late.
    pub(super) fn lose_all(&mut self) {
        self.runs.retain(|run| run.outcome.is_some());
        self.unanswered.clear();
    }

    /// Nothing of it is left but the name of the worker that it was.
    pub(super) fn end(&mut self) {
        *self = Self { life: Life::Down, ..Self::new(self.worker) };
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Exhausted => "failed for good",
            Self::HandedBack => "handed back",
            Self::Cancelled => "cancelled",
        })
    }
}
