use super::handle::woken;
use super::transaction::{Transaction, Work};
use super::{IntoPart, Jobs};
use crate::error::{Error, Result};
use crate::job::{BatchId, BatchPlace, BatchRecord, JobId, JobState, Record};
use crate::store::{BatchFilter, CancelAnswer, Filter, Push, Topic};

/// So many jobs or batches are looked at and changed in one call to the store.
const PAGE: usize = 500;

/// A dispatched batch, to ask after it and to add to it.
///
/// Cheap to clone. Made by a dispatch, or from an id with [`Jobs::batch`].
#[derive(Clone, Debug)]
pub struct BatchHandle {
    id: BatchId,
    jobs: Jobs,
}

impl BatchHandle {
    pub(crate) fn new(id: BatchId, jobs: Jobs) -> Self {
        Self { id, jobs }
    }

    /// The batch's id.
    #[must_use]
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// How far it is: its members by what has become of them, and which callbacks were let go.
    ///
    /// # Errors
    /// [`Error::NoSuchBatch`] when all of its jobs were deleted, [`Error::Store`] when the store fails.
    pub async fn progress(&self) -> Result<BatchRecord> {
        self.jobs.inspect()?.batch(self.id).await?.ok_or(Error::NoSuchBatch(self.id))
    }

    /// Adds members to the batch, which must be open: not all of its members have ended. A running member can always add to
    /// its own batch. Returns the ids of the jobs, the callbacks of an added batch among them.
    ///
    /// # Errors
    /// [`Error::BatchClosed`], [`Error::NoSuchBatch`], and those of a [`Dispatch`](super::Dispatch).
    pub async fn add(&self, members: impl IntoPart) -> Result<Vec<JobId>> {
        let mut push = Push::of(Vec::new(), self.jobs.now());
        members.into_part().write(&mut push, BatchPlace::Stored(self.id))?;
        Ok(self.jobs.push_all(push).await?.ids())
    }

    /// Adds members in a transaction of your own, as [`Dispatch::dispatch_in`](crate::Dispatch::dispatch_in) stores a job.
    ///
    /// # Errors
    /// Those of [`add`](Self::add) and of [`Dispatch::dispatch_in`](crate::Dispatch::dispatch_in).
    pub fn add_in<T: Transaction>(&self, members: impl IntoPart, transaction: T) -> T::Answer<Vec<JobId>> {
        let batch = BatchPlace::Stored(self.id);
        let push = move |now| {
            let mut push = Push::of(Vec::new(), now);
            members.into_part().write(&mut push, batch)?;
            Ok(push)
        };
        transaction.carry_out(Work::push(Some(self.jobs.clone()), push, |stored, _| Ok(stored.ids())))
    }

    /// Cancels every member that has not ended, those of batches in it too: at once, or by its signal where it runs. Works in
    /// steps of 500 jobs, so what is added meanwhile may be missed. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn cancel(&self) -> Result<u64> {
        let open = [JobState::Waiting, JobState::Scheduled, JobState::Ready, JobState::Running];
        self.for_each_page(&open, async |ids| {
            let answers = self.jobs.inspect()?.cancel(&ids, self.jobs.now()).await?;
            Ok(answers
                .iter()
                .filter(|answer| matches!(answer, CancelAnswer::Cancelled | CancelAnswer::Requested))
                .count())
        })
        .await
    }

    /// Retries every dead member, those of batches in it too, in steps of 500 jobs. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn retry_failed(&self) -> Result<u64> {
        self.for_each_page(&[JobState::Dead], async |ids| {
            let retried = self.jobs.inspect()?.retry(&ids, self.jobs.now()).await?;
            Ok(retried.iter().filter(|retried| **retried).count())
        })
        .await
    }

    /// Waits until each member has run once. Cancel safe.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    pub async fn wait(&self) -> Result<BatchRecord> {
        let mut settled = self.jobs.store().wakeups(Topic::Settled);
        loop {
            let batch = self.progress().await?;
            if batch.completed_at.is_some() {
                return Ok(batch);
            }
            woken(&mut settled).await;
        }
    }

    /// Does something to the members in these states, a page at a time, and adds up what that returns.
    async fn for_each_page(&self, states: &[JobState], act: impl AsyncFn(Vec<JobId>) -> Result<usize>) -> Result<u64> {
        let mut sum = 0;
        let mut batches = vec![self.id];
        while let Some(batch) = batches.pop() {
            let mut page =
                Filter { batch: Some(batch), states: states.to_vec(), limit: Some(PAGE), ..Filter::default() };
            loop {
                let found: Vec<Record> = self.jobs.list(&page).await?;
                let Some(last) = found.last() else { break };
                page.before = Some(last.id);
                sum += act(found.iter().map(|job| job.id).collect()).await? as u64;
            }
            batches.extend(self.inner(batch).await?);
        }
        Ok(sum)
    }

    /// The batches that are members of a batch.
    async fn inner(&self, batch: BatchId) -> Result<Vec<BatchId>> {
        let mut page = BatchFilter { parent: Some(batch), limit: Some(PAGE), before: None };
        let mut inner = Vec::new();
        loop {
            let found = self.jobs.inspect()?.batches(&page).await?;
            let Some(last) = found.last() else { return Ok(inner) };
            page.before = Some(last.id);
            inner.extend(found.iter().map(|batch| batch.id));
        }
    }
}
