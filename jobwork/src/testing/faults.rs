use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::job::JobError;
use crate::perform::{JobContext, JobResult, Middleware, Next};

/// The errors that the next attempts of a job fail with, by its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Mutex<HashMap<&'static str, VecDeque<JobError>>>>);

impl Faults {
    pub(super) fn add(&self, name: &'static str, error: JobError, times: usize) {
        // The failure is recorded as the job's own.
        error.came_from("");
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.entry(name).or_default().extend(std::iter::repeat_n(error, times));
    }

    fn next(&self, name: &str) -> Option<JobError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name)?.pop_front()
    }
}

impl Middleware for Faults {
    fn handle(&self, job: JobContext, next: Next) -> Pin<Box<dyn Future<Output = JobResult> + Send>> {
        match self.next(job.name()) {
            Some(error) => Box::pin(async move { Err(error) }),
            None => next.run(job),
        }
    }
}
