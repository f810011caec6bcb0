use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde::Serialize;

use super::placement::{Placement, placement_methods};
use super::{JobHandle, Jobs};
use crate::error::{Error, Result};
use crate::job::{Job, NewJob};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A job about to be stored; stored when it is awaited.
///
/// When it gives `Ok`, the job is on stable storage and will be performed until it completes, is cancelled or is dead.
///
/// # Errors
/// Awaiting it gives [`Error::Json`] when the arguments can't be written as JSON, [`Error::Refused`] when a dispatch
/// hook refuses the job, [`Error::Url`] or [`Error::Open`] when the default store can't be opened, and
/// [`Error::Store`] when the store fails: then the job may or may not have been stored.
///
/// # Cancel safety
/// Not cancel safe: dropping the future leaves open whether the job was stored.
#[must_use = "a job is dispatched when this is awaited"]
pub struct Dispatch<J> {
    job: J,
    placement: Placement,
}

impl<J: Job> Dispatch<J> {
    /// A dispatch of this job with its own options.
    pub fn new(job: J) -> Self {
        Self { job, placement: Placement::default() }
    }

    placement_methods!();

    async fn run(mut self) -> Result<JobHandle<J>> {
        let jobs = self.placement.client().await?;
        let new = new_job(&self.job, &self.placement, &jobs)?;
        let ids = jobs.push(vec![new]).await?;
        let id = ids.into_iter().next().ok_or_else(|| Error::store("the store returned no id"))?;
        Ok(JobHandle::new(id, jobs))
    }
}

impl<J: Job> IntoFuture for Dispatch<J> {
    type Output = Result<JobHandle<J>>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
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
}

impl<J: Job> DispatchMany<J> {
    /// A dispatch of these jobs with their own options.
    pub fn new(jobs: impl IntoIterator<Item = J>) -> Self {
        Self { many: jobs.into_iter().collect(), placement: Placement::default() }
    }

    placement_methods!();

    async fn run(mut self) -> Result<Vec<JobHandle<J>>> {
        let jobs = self.placement.client().await?;
        let new: Result<Vec<NewJob>> = self.many.iter().map(|job| new_job(job, &self.placement, &jobs)).collect();
        let ids = jobs.push(new?).await?;
        Ok(ids.into_iter().map(|id| JobHandle::new(id, jobs.clone())).collect())
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

fn new_job<J: Job>(job: &J, placement: &Placement, jobs: &Jobs) -> Result<NewJob> {
    let mut new = complete(job)?;
    placement.place(&mut new);
    new.run_at = placement.run_at(J::OPTIONS.delay, jobs.now());
    Ok(new)
}

/// A job with all its arguments.
pub(super) fn complete<J: Job>(job: &J) -> Result<NewJob> {
    let what = "can't make the keys";
    let flow = job.flow().map_err(|source| Error::Json { what, job: J::NAME.to_owned(), source })?;
    Ok(NewJob { flow, ..NewJob::of::<J>(to_json(J::NAME, job)?) })
}

/// The arguments of job `name` as JSON.
pub(crate) fn to_json(name: &str, value: &impl Serialize) -> Result<String> {
    let what = "can't write the arguments";
    serde_json::to_string(value).map_err(|source| Error::Json { what, job: name.to_owned(), source })
}
