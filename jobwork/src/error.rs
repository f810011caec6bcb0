use std::error::Error as StdError;

use crate::job::{BatchId, JobError, JobId};

type BoxError = Box<dyn StdError + Send + Sync>;

const ELSEWHERE: &str =
    "keep what is large in a file or a table and pass its name, or raise the limit with `Jobs::with_max_size`";

/// The framework's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with the framework, as opposed to inside a job (see [`JobError`](crate::JobError)).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL names no store that this build knows.
    #[error("can't use `{url}` as a job store: {problem}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it and what was expected.
        problem: String,
    },
    /// The store could not be opened, or its schema is not ours.
    #[error("can't open the job store {place}: {problem}")]
    Open {
        /// The file or server.
        place: String,
        /// What is wrong and what to do about it.
        problem: String,
    },
    /// A call to the store failed; it may work when tried again.
    #[error("the job store failed: {0}")]
    Store(#[source] BoxError),
    /// The store can't do this.
    #[error("the {store} store can't {what}")]
    Unsupported {
        /// The store.
        store: &'static str,
        /// What was asked of it.
        what: &'static str,
    },
    /// No job has this id.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
    /// No batch has this id.
    #[error("there is no batch {0}")]
    NoSuchBatch(BatchId),
    /// Jobs were to be added to a batch that is closed.
    #[error("can't add to batch {0}: it is closed, because all of its members have ended; dispatch another batch")]
    BatchClosed(BatchId),
    /// A schedule's expression or time zone is wrong.
    #[cfg(feature = "cron")]
    #[error("schedule `{name}`: {problem}")]
    Schedule {
        /// The schedule's name.
        name: String,
        /// What is wrong, and what was expected.
        problem: crate::job::ScheduleError,
    },
    /// No schedule has this name.
    #[error("there is no schedule `{0}`: a worker declares its schedules when it starts")]
    NoSuchSchedule(String),
    /// The job that asked belongs to another worker by now; nothing that this run of it does counts any more.
    #[error("job {0} belongs to another worker by now: stop, for nothing that this run does counts any more")]
    LeaseLost(JobId),
    /// The arguments of a job, or its output, could not be written as JSON or read back.
    #[error("{what} of job `{job}`: {source}")]
    Json {
        /// What was being written or read.
        what: &'static str,
        /// The job's name.
        job: String,
        /// What was wrong.
        source: serde_json::Error,
    },
    /// The arguments of a job are larger than its client stores: see [`Jobs::with_max_size`](crate::Jobs::with_max_size). Nothing of the
    /// dispatch was stored.
    #[error(
        "the arguments of job `{job}`{} have {size} bytes of JSON, expected at most {limit}: {ELSEWHERE}",
        number.map_or_else(String::new, |number| format!(", number {number} of the dispatch,"))
    )]
    ArgumentsTooLarge {
        /// The job's name.
        job: String,
        /// Which job of a dispatch of many it is, from 1.
        number: Option<usize>,
        /// The bytes of its arguments as they would be stored.
        size: usize,
        /// The most bytes that the client stores.
        limit: usize,
    },
    /// What a job returned is larger than its worker's client stores: see [`Jobs::with_max_size`](crate::Jobs::with_max_size).
    #[error("the output of job `{job}` has {size} bytes of JSON, expected at most {limit}: {ELSEWHERE}")]
    OutputTooLarge {
        /// The job's name.
        job: String,
        /// The bytes of the output as it would be stored.
        size: usize,
        /// The most bytes that the client stores.
        limit: usize,
    },
    /// Dispatch middleware refused the job.
    #[error("dispatch of job `{job}` was refused: {source}")]
    Refused {
        /// The job's name.
        job: String,
        /// The reason it gave.
        source: BoxError,
    },
    /// Another job has the unique key, and the dispatch asked to fail then, or other jobs of the dispatch wait for this one.
    #[error("job `{job}` was not dispatched: {} has the same unique key", existing.map_or("another job of the dispatch".to_owned(), |id| format!("job {id}")))]
    Duplicate {
        /// The job's name.
        job: String,
        /// The job that has the key; `None` is another one of the same dispatch.
        existing: Option<JobId>,
    },
    /// A step of a chain takes the output of the step before it, and so has not all that its keys are made of.
    #[error("job `{job}` can't be dispatched as a step that takes an output: {why}")]
    Unfilled {
        /// The job's name.
        job: String,
        /// Which key lacks what.
        why: &'static str,
    },
    /// Arguments or an output can't be encrypted or decrypted, or a keyring can't be made. No key and no secret is shown.
    #[error("{0}")]
    Encryption(String),
    /// A blocking call names no client, and there is none that code here uses.
    #[error(
        "there is no client to dispatch with: name one with `.on(&jobs)`, or make one the default with `Jobs::make_default`"
    )]
    NoClient,
    /// The worker can't start as it is configured.
    #[error("{0}")]
    Config(String),
}

/// So that a job's `?` carries the framework's own errors out, such as those of a dispatch or a checkpoint.
impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::from_boxed(Box::new(error))
    }
}

impl Error {
    /// A failure of a store, from the driver's own error.
    pub fn store(error: impl Into<BoxError>) -> Self {
        Self::Store(error.into())
    }
}
