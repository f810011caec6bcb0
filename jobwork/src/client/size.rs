//! How large what a client stores of a job may be.

use super::Jobs;
use crate::error::{Error, Result};
use crate::job::NewJob;

/// The limit of a client that was told no other, in bytes. `check_dispatch` in the schema of the Postgres store has it too.
pub(super) const MAX_SIZE: usize = 10_000_000;

impl Jobs {
    /// Refuses jobs whose arguments, as they are to be stored, are over the limit.
    pub(super) fn check_args(&self, jobs: &[NewJob]) -> Result<()> {
        let limit = self.max_size();
        let Some(index) = jobs.iter().position(|job| job.args.len() > limit) else { return Ok(()) };
        let number = (jobs.len() > 1).then_some(index + 1);
        let job = &jobs[index];
        Err(Error::ArgumentsTooLarge { job: job.name.to_string(), number, size: job.args.len(), limit })
    }

    /// Refuses an output of the job `name` that is over the limit as it is to be stored.
    pub(crate) fn check_output(&self, name: &str, output: &str) -> Result<()> {
        let (size, limit) = (output.len(), self.max_size());
        if size <= limit { Ok(()) } else { Err(Error::OutputTooLarge { job: name.to_owned(), size, limit }) }
    }
}
