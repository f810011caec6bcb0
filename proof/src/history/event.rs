use jobwork::{JobId, JobState, Lease, WorkerId};
use serde::{Deserialize, Serialize};

/// A job in the hands of a worker: the right under which it runs, a [`Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// The job.
    pub job: JobId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The worker.
    pub worker: WorkerId,
    /// The number of the claim.
    pub claim: u64,
}

impl From<Lease> for Run {
    fn from(lease: Lease) -> Self {
        let Lease { job, attempt, worker, claim } = lease;
        Self { job, attempt, worker, claim }
    }
}

impl From<Run> for Lease {
    fn from(run: Run) -> Self {
        let Run { job, attempt, worker, claim } = run;
        Self { job, attempt, worker, claim }
    }
}

/// A job that a dispatcher was promised to be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The job.
    pub job: JobId,
    /// Its stored name.
    pub name: String,
    /// The chain that it is a member of, which is the id of the first member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<JobId>,
    /// Its place in the chain, from 0.
    #[serde(default)]
    pub place: u32,
    /// Whether it is another job than the one that was dispatched, which has the unique key already.
    #[serde(default)]
    pub existing: bool,
}

/// What the store says of a job when all is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// The job.
    pub job: JobId,
    /// What became of it.
    pub state: JobState,
    /// The attempts that count.
    pub attempt: u32,
    /// How many workers died while they ran it.
    pub rescues: u32,
    /// Its arguments at the end.
    pub args: String,
    /// What it returned.
    pub output: Option<String>,
    /// Why it ended so.
    pub reason: Option<String>,
    /// Its history: attempts that did not simply succeed, each with its outcome in a word.
    pub story: Vec<(u32, String)>,
}

/// A thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A dispatch returned `Ok`.
    Dispatched {
        /// What was promised.
        jobs: Vec<Promise>,
    },
    /// A worker has become known to the store.
    Joined {
        /// Which one.
        worker: WorkerId,
    },
    /// A worker is about to leave the store, which takes back whatever the worker should still have.
    Leaving {
        /// Which one.
        worker: WorkerId,
    },
    /// The store has handed a job to a worker.
    Claimed {
        /// The run that this begins.
        run: Run,
        /// The arguments that came with it.
        args: String,
    },
    /// The job's own code begins.
    Started {
        /// In this run.
        run: Run,
    },
    /// The job was told to stop.
    Signalled {
        /// In this run.
        run: Run,
        /// For this reason, in words.
        reason: String,
    },
    /// The job's own code has ended; a job that was dropped never does.
    Returned {
        /// In this run.
        run: Run,
        /// `ok`, or what went wrong.
        what: String,
    },
    /// An outcome is about to be written.
    Writing {
        /// Of this run.
        run: Run,
        /// The outcome in a word, see [`word`].
        outcome: String,
    },
    /// The store has answered a write.
    Written {
        /// Of this run.
        run: Run,
        /// The outcome in a word, see [`word`].
        outcome: String,
        /// Whether the store took it; otherwise the run had lost its right.
        stored: bool,
    },
    /// The jobs of dead workers are about to be rescued.
    Rescuing,
    /// The store has rescued jobs.
    Rescued {
        /// These.
        jobs: Vec<JobId>,
    },
    /// A job is about to be cancelled by hand.
    Cancelling {
        /// Which one.
        job: JobId,
    },
    /// The store has answered that.
    Cancelled {
        /// Which job.
        job: JobId,
        /// The answer: `cancelled`, `requested`, `ended` or `notfound`.
        answer: String,
    },
    /// Somebody disturbed the peace.
    Fault {
        /// How, in words.
        what: String,
    },
    /// What the store holds when all is over.
    Remains(Remains),
}

/// The word of an outcome.
#[must_use]
pub fn word(outcome: &jobwork::Outcome) -> &'static str {
    match outcome {
        jobwork::Outcome::Completed { .. } => "completed",
        jobwork::Outcome::Unstarted => "unstarted",
        other => other.word().unwrap_or("completed"),
    }
}
