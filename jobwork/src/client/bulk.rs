use super::Jobs;
use crate::error::Result;
use crate::job::{JobId, JobState};
use crate::store::{CancelAnswer, Filter};

/// So many jobs are changed in one write, so that nobody else waits long.
const STEP: usize = 200;

/// What can be done to many jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    Cancel,
    Retry,
    Delete,
    /// Into this queue.
    Requeue(&'a str),
}

impl Change<'_> {
    /// Whether it can be done to a job of this state.
    const fn is_for(self, state: JobState) -> bool {
        match self {
            Self::Cancel => !state.is_final(),
            Self::Retry => state.is_final() || matches!(state, JobState::Scheduled),
            Self::Delete | Self::Requeue(_) => !matches!(state, JobState::Running),
        }
    }

    /// The same filter, but only for those states that this can be done to; `None` when that leaves none.
    fn narrowed(self, filter: &Filter) -> Option<Filter> {
        let asked = if filter.states.is_empty() { &JobState::ALL[..] } else { &filter.states };
        let states: Vec<JobState> = asked.iter().copied().filter(|state| self.is_for(*state)).collect();
        (!states.is_empty()).then(|| Filter { states, ..filter.clone() })
    }
}

/// Changes of many jobs.
///
/// Each is made in steps of a few hundred jobs, the newest first, so it keeps nobody waiting; and it is not atomic: an error
/// leaves what was done before it done. Every job that matched when it was looked at is looked at once, so jobs that are
/// dispatched meanwhile are left alone. The filter's `limit` is how many jobs are looked at, at most.
impl Jobs {
    /// Cancels every job that matches, as [`cancel`](Self::cancel) does, and says how many are cancelled or were told to stop.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store fails.
    pub async fn cancel_all(&self, filter: &Filter) -> Result<u64> {
        self.change_all(Change::Cancel, filter).await
    }

    /// Makes every job that matches ready now, as [`retry`](Self::retry) does, and says how many.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store fails.
    pub async fn retry_all(&self, filter: &Filter) -> Result<u64> {
        self.change_all(Change::Retry, filter).await
    }

    /// Forgets every job that matches and isn't running, as [`delete`](Self::delete) does, and says how many.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store fails.
    pub async fn delete_all(&self, filter: &Filter) -> Result<u64> {
        self.change_all(Change::Delete, filter).await
    }

    /// Moves every job that matches and isn't running to another queue, as [`requeue`](Self::requeue) does, and says how many.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store fails.
    pub async fn requeue_all(&self, filter: &Filter, queue: &str) -> Result<u64> {
        self.change_all(Change::Requeue(queue), filter).await
    }

    /// Moves a job that isn't running to another queue; one that has ended is retried there. Says whether it did.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store fails.
    pub async fn requeue(&self, id: JobId, queue: &str) -> Result<bool> {
        Ok(self.inspect()?.requeue(&[id], queue, self.now()).await? == [true])
    }

    pub(crate) async fn change_all(&self, change: Change<'_>, filter: &Filter) -> Result<u64> {
        self.each_step(change, filter, async |ids: &[JobId]| self.change(change, ids).await).await
    }

    /// How many jobs [`change_all`](Self::change_all) would look at.
    #[cfg(feature = "cli")]
    pub(crate) async fn count_all(&self, change: Change<'_>, filter: &Filter) -> Result<u64> {
        self.each_step(change, filter, async |ids: &[JobId]| Ok(ids.len())).await
    }

    async fn each_step(
        &self,
        change: Change<'_>,
        filter: &Filter,
        step: impl AsyncFn(&[JobId]) -> Result<usize>,
    ) -> Result<u64> {
        let Some(mut page) = change.narrowed(filter) else { return Ok(0) };
        let mut left = filter.limit.unwrap_or(usize::MAX);
        let mut count = 0;
        while left > 0 {
            page.limit = Some(left.min(STEP));
            let ids: Vec<JobId> = self.list(&page).await?.into_iter().map(|job| job.id).collect();
            // Only jobs before the last one are looked at next, so this ends whatever the change does.
            let Some(last) = ids.last() else { break };
            page.before = Some(*last);
            left -= ids.len();
            count += step(&ids).await? as u64;
        }
        Ok(count)
    }

    /// Changes these jobs, and says how many it did change.
    async fn change(&self, change: Change<'_>, ids: &[JobId]) -> Result<usize> {
        let (inspect, now) = (self.inspect()?, self.now());
        let done = match change {
            Change::Cancel => {
                let answers = inspect.cancel(ids, now).await?.into_iter();
                answers.map(|answer| matches!(answer, CancelAnswer::Cancelled | CancelAnswer::Requested)).collect()
            }
            Change::Retry => inspect.retry(ids, now).await?,
            Change::Delete => inspect.delete(ids, now).await?,
            Change::Requeue(queue) => inspect.requeue(ids, queue, now).await?,
        };
        Ok(done.into_iter().filter(|done| *done).count())
    }
}
