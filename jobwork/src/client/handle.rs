use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Jobs;
use crate::error::{Error, Result};
use crate::job::{Failure, Job, JobId, JobState, Progress, Record};
use crate::store::{CancelAnswer, Pushed, Topic};

/// A dispatched job, to ask after it.
///
/// Cheap to clone. Made by a dispatch, or from an id with [`JobHandle::new`].
pub struct JobHandle<J> {
    id: JobId,
    jobs: Jobs,
    is_new: bool,
    job: PhantomData<fn() -> J>,
}

/// Why there is no result to wait for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The job failed for good.
    #[error("job {id} is dead: {reason}{}", failure.as_ref().map(|last| format!(": {}", last.message)).unwrap_or_default())]
    Dead {
        /// The job.
        id: JobId,
        /// Why, in words.
        reason: String,
        /// The last thing that went wrong.
        failure: Option<Failure>,
    },
    /// The job was cancelled.
    #[error("job {id} was cancelled{}", reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    Cancelled {
        /// The job.
        id: JobId,
        /// Why, where that is known.
        reason: Option<String>,
    },
    /// The job ended itself without a result.
    #[error("job {id} was discarded: {reason}")]
    Discarded {
        /// The job.
        id: JobId,
        /// Its own word for it.
        reason: String,
    },
    /// The job is not stored any more, so what it returned isn't either.
    #[error("job {id} is not stored any more: it was deleted, or it ended and was kept no longer (see `retain`)")]
    Gone {
        /// The job.
        id: JobId,
    },
    /// The framework failed.
    #[error(transparent)]
    Framework(#[from] Error),
}

/// A wait looks at the store this often even when no hint comes.
const POLL: Duration = Duration::from_secs(1);

impl<J: Job> JobHandle<J> {
    /// A handle of the job `id`, which must be a `J`.
    #[must_use]
    pub fn new(id: JobId, jobs: Jobs) -> Self {
        Self { id, jobs, is_new: false, job: PhantomData }
    }

    /// A handle of the job that a dispatch made, or found in its place.
    pub(crate) fn of(pushed: Pushed, jobs: Jobs) -> Self {
        Self { is_new: pushed.is_new(), ..Self::new(pushed.id(), jobs) }
    }

    /// Whether the dispatch that gave this handle made the job; `false` where it found this one with its unique key, and for a
    /// handle that was made from an id.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// What has become of it.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when it was deleted, [`Error::Store`] when the store fails.
    pub async fn status(&self) -> Result<JobState> {
        Ok(self.record().await?.state)
    }

    /// All that the store knows of it.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when it was deleted, [`Error::Store`] when the store fails.
    pub async fn record(&self) -> Result<Record> {
        self.jobs.get(self.id).await?.ok_or(Error::NoSuchJob(self.id))
    }

    /// How far it has come, by its own word ([`JobContext::progress`](crate::JobContext::progress)), from whatever process
    /// it runs in; `None` while it has said nothing. It stays after the job's end.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when it was deleted, [`Error::Store`] when the store fails.
    pub async fn progress(&self) -> Result<Option<Progress>> {
        Ok(self.record().await?.progress)
    }

    /// Cancels it, as [`Jobs::cancel`] does.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn cancel(&self) -> Result<CancelAnswer> {
        self.jobs.cancel(self.id).await
    }

    /// Makes it ready now, as [`Jobs::retry`] does.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn retry(&self) -> Result<bool> {
        self.jobs.retry(self.id).await
    }

    /// Waits until it has ended, and returns what it returned.
    ///
    /// Waits as long as it takes; put `tokio::time::timeout` round it for less. Cancel safe.
    ///
    /// # Errors
    /// [`WaitError`] when it ended without a result.
    pub async fn wait(&self) -> Result<J::Output, WaitError> {
        let mut settled = self.jobs.store().wakeups(Topic::Settled);
        loop {
            let record = self.jobs.get(self.id).await?.ok_or(WaitError::Gone { id: self.id })?;
            if record.state.is_final() {
                return result(&self.jobs, record).await;
            }
            woken(&mut settled).await;
        }
    }
}

/// Waits for a hint, or for as long as one may be missing.
pub(crate) async fn woken(wakeups: &mut crate::store::Wakeups) {
    // A timeout is the poll, not an error.
    let _ = tokio::time::timeout(POLL, wakeups.changed()).await;
}

/// The result of a job that has ended.
pub(crate) async fn result<T: DeserializeOwned>(jobs: &Jobs, record: Record) -> Result<T, WaitError> {
    let (id, reason) = (record.id, record.reason);
    match record.state {
        JobState::Completed => {
            let output = jobs.open_output(&record.name, record.output.as_deref().unwrap_or("null"))?;
            let decoded = serde_json::from_str(&output);
            let what = "can't read the output";
            Ok(decoded.map_err(|source| Error::Json { what, job: record.name, source })?)
        }
        JobState::Cancelled => Err(WaitError::Cancelled { id, reason }),
        JobState::Discarded => Err(WaitError::Discarded { id, reason: reason.unwrap_or_default() }),
        _ => {
            let failure = jobs.history(id).await?.into_iter().rev().find_map(|attempt| attempt.failure);
            Err(WaitError::Dead { id, reason: reason.unwrap_or_default(), failure })
        }
    }
}

impl<J> Clone for JobHandle<J> {
    fn clone(&self) -> Self {
        Self { id: self.id, jobs: self.jobs.clone(), is_new: self.is_new, job: PhantomData }
    }
}

impl<J: Job> fmt::Debug for JobHandle<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobHandle<{}>({})", J::NAME, self.id)
    }
}
