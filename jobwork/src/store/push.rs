use jiff::Timestamp;

use super::{limits, places};
use crate::error::{Error, Result};
use crate::job::{BatchId, JobId, NewBatch, NewJob};

/// Jobs to store, all of them or none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Push {
    /// The jobs.
    pub jobs: Vec<NewJob>,
    /// Batches that jobs of this push are members of.
    pub batches: Vec<NewBatch>,
    /// The time it is.
    pub now: Timestamp,
}

impl Push {
    /// These jobs, in no new batch.
    #[must_use]
    pub fn of(jobs: Vec<NewJob>, now: Timestamp) -> Self {
        Self { jobs, batches: Vec::new(), now }
    }

    /// With these batches.
    #[must_use]
    pub fn batches(mut self, batches: Vec<NewBatch>) -> Self {
        self.batches = batches;
        self
    }

    /// Refuses what no store could keep: limits that no job could meet, and references to jobs and batches that aren't there.
    pub(super) fn check(&self) -> Result<()> {
        limits::check(&self.jobs)?;
        self.check_references()?;
        places::check(self)
    }

    fn check_references(&self) -> Result<()> {
        let count = self.jobs.len();
        for (index, job) in self.jobs.iter().enumerate() {
            if let Some(wait) = job.waits.iter().find(|wait| wait.on >= index) {
                let problem = format!("job {index} of a push waits for job {}, expected one before it", wait.on);
                return Err(Error::store(problem));
            }
            if let Some(chain) = job.chain.as_ref().filter(|chain| chain.first >= count) {
                let first = chain.first;
                let problem =
                    format!("job {index} of a push names job {first} as its chain's first, but there are {count}");
                return Err(Error::store(problem));
            }
        }
        Ok(())
    }
}

/// What became of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// What became of each job, in their order.
    pub jobs: Vec<Pushed>,
    /// The ids of the batches, in their order.
    pub batches: Vec<BatchId>,
}

impl Stored {
    /// The answer to a push.
    #[must_use]
    pub fn new(jobs: Vec<Pushed>, batches: Vec<BatchId>) -> Self {
        Self { jobs, batches }
    }

    /// The ids of the jobs, or of those that have their unique keys.
    #[must_use]
    pub fn ids(&self) -> Vec<JobId> {
        self.jobs.iter().map(|job| job.id()).collect()
    }
}

/// What became of one pushed job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It was stored.
    New(JobId),
    /// It was not: this job has its unique key.
    Existing(JobId),
}

impl Pushed {
    /// The job, or the one that has its key.
    #[must_use]
    pub fn id(self) -> JobId {
        match self {
            Self::New(id) | Self::Existing(id) => id,
        }
    }

    /// Whether the job was stored.
    #[must_use]
    pub fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}
