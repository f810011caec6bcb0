use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::placement::{Placement, placement_methods};
use super::transaction::{Transaction, Work};
use super::unique::Uniqueness;
use super::{JobHandle, Jobs};
use crate::clock::after;
use crate::error::{Error, Result};
use crate::job::{Job, NewJob};
use crate::store::{Push, Stored};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A job about to be stored; stored when it is awaited.
///
/// When it gives `Ok`, the job is on stable storage and will be performed until it completes, is cancelled or is dead. For a
/// unique job that is the job which has the key: [`JobHandle::is_new`] says whether it is this one.
///
/// # Errors
/// Awaiting it gives [`Error::Json`] when the arguments can't be written as JSON, [`Error::Refused`] when a dispatch
/// hook refuses the job, [`Error::ArgumentsTooLarge`] when the arguments are over the client's limit,
/// [`Error::Duplicate`] when another job has its unique key and it asked to fail then,
/// [`Error::Encryption`] when it is to be encrypted and there is no key, [`Error::Url`] or [`Error::Open`] when the default
/// store can't be opened, and
/// [`Error::Store`] when the store fails: then the job may or may not have been stored.
///
/// # Cancel safety
/// Not cancel safe: dropping the future leaves open whether the job was stored.
#[must_use = "a job is dispatched when this is awaited"]
pub struct Dispatch<J> {
    job: J,
    pub(super) placement: Placement,
    pub(super) unique: Uniqueness,
}

impl<J: Job> Dispatch<J> {
    /// A dispatch of this job with its own options.
    pub fn new(job: J) -> Self {
        Self { job, placement: Placement::default(), unique: Uniqueness::default() }
    }

    placement_methods!();

    /// The job as it is stored when it is dispatched `now`.
    pub(super) fn new_job(&self, now: Timestamp) -> Result<NewJob> {
        let due = self.placement.run_at(J::OPTIONS.delay, now);
        let mut new = new_job(&self.job, &self.placement, due, now)?;
        self.unique.apply(&mut new, &self.job)?;
        Ok(new)
    }

    fn push(&self, now: Timestamp) -> Result<Push> {
        Ok(Push::of(vec![self.new_job(now)?], now))
    }

    /// Stores the job in a transaction of your own: it is there once that is committed, and workers are told, and was never there if
    /// that is rolled back. The [page about transactions](crate::transaction) names the drivers.
    ///
    /// What it gives is awaited where the driver is async, and is the result itself where the driver blocks.
    ///
    /// # Errors
    /// Those of an awaited [`Dispatch`]; [`Error::Unsupported`] when the client's store is in another kind of database than the
    /// transaction, and [`Error::NoClient`] when the driver blocks and there is no client yet. After [`Error::Store`] from a Postgres,
    /// all that the transaction can do is to be rolled back.
    pub fn dispatch_in<T: Transaction>(mut self, transaction: T) -> T::Answer<JobHandle<J>> {
        let jobs = self.placement.jobs.take();
        transaction.carry_out(Work::push(jobs, move |now| self.push(now), one))
    }
}

/// The handle of the one job that was stored.
fn one<J: Job>(stored: Stored, jobs: Jobs) -> Result<JobHandle<J>> {
    let pushed = stored.jobs.into_iter().next().ok_or_else(|| Error::store("the store returned no id"))?;
    Ok(JobHandle::of(pushed, jobs))
}

/// The handles of the jobs that were stored.
fn all<J: Job>(stored: Stored, jobs: &Jobs) -> Vec<JobHandle<J>> {
    stored.jobs.into_iter().map(|pushed| JobHandle::of(pushed, jobs.clone())).collect()
}

impl<J: Job> IntoFuture for Dispatch<J> {
    type Output = Result<JobHandle<J>>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let jobs = self.placement.client().await?;
            let push = self.push(jobs.now())?;
            let stored = jobs.push_all(push).await?;
            one(stored, jobs)
        })
    }
}

impl<J: Job> fmt::Debug for Dispatch<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("job", &J::NAME).field("placement", &self.placement).finish_non_exhaustive()
    }
}

/// Many jobs about to be stored in one write; stored when it is awaited, all of them or none.
///
/// The errors and the rule about dropping are those of [`Dispatch`].
#[must_use = "the jobs are dispatched when this is awaited"]
pub struct DispatchMany<J> {
    many: Vec<J>,
    placement: Placement,
    spread: Duration,
}

impl<J: Job> DispatchMany<J> {
    /// A dispatch of these jobs with their own options.
    pub fn new(jobs: impl IntoIterator<Item = J>) -> Self {
        Self { many: jobs.into_iter().collect(), placement: Placement::default(), spread: Duration::ZERO }
    }

    placement_methods!();

    /// Spreads the jobs evenly over this time, so that they don't all start at once: the first one is due as if it were
    /// alone, each other one the same time after the one before it. Sixty jobs spread over a minute are due one a second.
    ///
    /// ```
    /// # #[cfg(feature = "macros")] mod example {
    /// use std::time::Duration;
    /// use jobwork::prelude::*;
    ///
    /// #[job]
    /// async fn refresh(feed: u64) {}
    ///
    /// # pub async fn dispatch() -> jobwork::Result<()> {
    /// # let jobs = Jobs::connect("memory:").await?;
    /// Refresh::dispatch_many((0..60).map(Refresh::new)).spread(Duration::from_secs(60)).on(&jobs).await?;
    /// # let counts = jobs.inspect()?.counts(jobs.now()).await?;
    /// # assert_eq!((counts.ready, counts.scheduled), (1, 59));
    /// # Ok(()) }
    /// # }
    /// # #[cfg(feature = "macros")] tokio::runtime::Runtime::new().unwrap().block_on(example::dispatch()).unwrap();
    /// ```
    pub fn spread(mut self, over: Duration) -> Self {
        self.spread = over;
        self
    }

    /// When job number `index` is due.
    fn due(&self, index: usize, now: Timestamp) -> Option<Timestamp> {
        let first = self.placement.run_at(J::OPTIONS.delay, now);
        let later = self.spread.mul_f64(index as f64 / self.many.len() as f64);
        if later.is_zero() { first } else { Some(after(first.map_or(now, |first| first.max(now)), later)) }
    }

    /// The jobs as they are stored when they are dispatched `now`.
    pub(super) fn new_jobs(&self, now: Timestamp) -> Result<Vec<NewJob>> {
        let many = self.many.iter().enumerate();
        many.map(|(index, job)| new_job(job, &self.placement, self.due(index, now), now)).collect()
    }

    async fn run(mut self) -> Result<Vec<JobHandle<J>>> {
        let jobs = self.placement.client().await?;
        let now = jobs.now();
        let stored = jobs.push_all(Push::of(self.new_jobs(now)?, now)).await?;
        Ok(all(stored, &jobs))
    }

    /// Stores the jobs in a transaction of your own, as [`Dispatch::dispatch_in`] does one.
    ///
    /// # Errors
    /// Those of [`Dispatch::dispatch_in`].
    pub fn dispatch_in<T: Transaction>(mut self, transaction: T) -> T::Answer<Vec<JobHandle<J>>> {
        let jobs = self.placement.jobs.take();
        let push = move |now| Ok(Push::of(self.new_jobs(now)?, now));
        transaction.carry_out(Work::push(jobs, push, |stored, jobs| Ok(all(stored, &jobs))))
    }
}

impl<J: Job> IntoFuture for DispatchMany<J> {
    type Output = Result<Vec<JobHandle<J>>>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<J: Job> fmt::Debug for DispatchMany<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchMany")
            .field("job", &J::NAME)
            .field("count", &self.many.len())
            .field("placement", &self.placement)
            .finish_non_exhaustive()
    }
}

/// The job as it is stored when it is dispatched `now` for the time `due`.
fn new_job<J: Job>(job: &J, placement: &Placement, due: Option<Timestamp>, now: Timestamp) -> Result<NewJob> {
    let mut new = complete(job)?;
    placement.place_at(&mut new, &J::OPTIONS, due, now);
    Ok(new)
}

/// A job with all its arguments.
pub(super) fn complete<J: Job>(job: &J) -> Result<NewJob> {
    let what = "can't make the keys";
    let flow = job.flow().map_err(|source| Error::Json { what, job: J::NAME.to_owned(), source })?;
    let mut new = NewJob::of::<J>(to_json(J::NAME, job)?);
    new.flow = flow;
    Ok(new)
}

/// The arguments of job `name` as JSON.
pub(crate) fn to_json(name: &str, value: &impl Serialize) -> Result<String> {
    let what = "can't write the arguments";
    serde_json::to_string(value).map_err(|source| Error::Json { what, job: name.to_owned(), source })
}
