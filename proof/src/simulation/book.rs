use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jobwork::{Job, JobHandle, JobId};

use crate::history::{Event, History, Promise};

/// What all jobs of a run know: how often each was run, and where to write down what they dispatch.
#[derive(Clone, Debug)]
pub(super) struct Book {
    history: History,
    runs: Arc<Mutex<BTreeMap<JobId, usize>>>,
}

impl Book {
    pub(super) fn new(history: History) -> Self {
        Self { history, runs: Arc::default() }
    }

    /// Begins a run of a job, and says how many it had before.
    pub(super) fn begin(&self, job: JobId) -> usize {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let count = runs.entry(job).or_default();
        *count += 1;
        *count - 1
    }

    /// Writes down a dispatch that was acknowledged.
    pub(super) fn dispatched<J: Job>(&self, handles: &[JobHandle<J>]) {
        let promise = |handle: &JobHandle<J>| Promise {
            job: handle.id(),
            name: J::NAME.to_owned(),
            chain: None,
            place: 0,
            existing: !handle.is_new(),
        };
        self.history.add(Event::Dispatched { jobs: handles.iter().map(promise).collect() });
    }
}
