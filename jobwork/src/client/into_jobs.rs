use std::error::Error as StdError;

use super::{ChainDispatch, Dispatch, DispatchMany, Jobs};
use crate::error::Result;
use crate::job::{Job, NewJob};

type BoxError = Box<dyn StdError + Send + Sync>;

/// What the function of a schedule returns: a dispatch of a job, of many, or of a chain, or a `Result` of one.
///
/// Everything that such a dispatch says holds, except for its client: the jobs go where the worker works.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something to dispatch",
    label = "expected a dispatch, such as `|| NightlyReport::dispatch()`",
    note = "the function of a schedule makes a dispatch and doesn't await it; the worker stores it when a tick has come"
)]
pub trait IntoJobs {
    /// The name of the job, for display.
    const NAME: &'static str;

    /// The jobs to store. Times count from the client's.
    ///
    /// # Errors
    /// Why there are none.
    fn into_jobs(self, jobs: &Jobs) -> Result<Vec<NewJob>, BoxError>;
}

impl<J: Job> IntoJobs for Dispatch<J> {
    const NAME: &'static str = J::NAME;

    fn into_jobs(self, jobs: &Jobs) -> Result<Vec<NewJob>, BoxError> {
        Ok(vec![self.new_job(jobs.now())?])
    }
}

impl<J: Job> IntoJobs for DispatchMany<J> {
    const NAME: &'static str = J::NAME;

    fn into_jobs(self, jobs: &Jobs) -> Result<Vec<NewJob>, BoxError> {
        Ok(self.new_jobs(jobs.now())?)
    }
}

impl<Out> IntoJobs for ChainDispatch<Out> {
    const NAME: &'static str = "chain!";

    fn into_jobs(self, jobs: &Jobs) -> Result<Vec<NewJob>, BoxError> {
        Ok(self.new_jobs(jobs.now())?)
    }
}

impl<D: IntoJobs, E: Into<BoxError>> IntoJobs for Result<D, E> {
    const NAME: &'static str = D::NAME;

    fn into_jobs(self, jobs: &Jobs) -> Result<Vec<NewJob>, BoxError> {
        self.map_err(Into::into)?.into_jobs(jobs)
    }
}
