use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::job::{Job, JobError, JobOptions};
use crate::perform::{Inject, JobContext, Perform, State};

/// The job's name, and that of the queue it is in: nobody else's.
pub(super) const NAME: &str = "jobwork_bench";

/// The job that is measured: it does nothing but to be counted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Nothing {
    /// The measure it belongs to.
    pub(super) measure: u64,
    /// Which of the measure's jobs it is, from 0.
    pub(super) number: usize,
}

impl Job for Nothing {
    type Output = ();
    type Params = (u64, usize);
    const NAME: &'static str = NAME;
    const FIELDS: &'static [&'static str] = &["measure", "number"];
    // No row of it stays when it has run.
    const OPTIONS: JobOptions = JobOptions::DEFAULT.queue(NAME).retries(0).retain(Duration::ZERO);
}

impl Perform for Nothing {
    async fn perform(self, job: JobContext) -> Result<(), JobError> {
        State::<Arc<Tally>>::inject(&job)?.count(&self);
        Ok(())
    }
}
