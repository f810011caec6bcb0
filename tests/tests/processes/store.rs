use std::time::Duration;

use jobwork::store::{Topic, WorkerRecord};
use jobwork::{Dispatch, Job, JobHandle, JobState, Jobs, Record};
use tempfile::TempDir;
use tokio::time::timeout;

use super::process::LIMIT;

/// An SQLite file of a test's own.
#[derive(Debug)]
pub(crate) struct Store {
    directory: TempDir,
    pub(crate) jobs: Jobs,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let jobs = Jobs::connect(&url(&directory)).await.unwrap();
        Self { directory, jobs }
    }

    pub(crate) fn url(&self) -> String {
        url(&self.directory)
    }

    pub(crate) async fn dispatch<J: Job>(&self, job: Dispatch<J>) -> JobHandle<J> {
        job.on(&self.jobs).await.unwrap()
    }

    /// Waits until a look at the store finds something.
    pub(crate) async fn until<T>(&self, look: impl AsyncFn(&Jobs) -> Option<T>) -> T {
        let mut changed = self.jobs.store().wakeups(Topic::Settled);
        let found = timeout(LIMIT, async {
            loop {
                if let Some(found) = look(&self.jobs).await {
                    return found;
                }
                // Hints are allowed to be missing.
                let _ = timeout(Duration::from_secs(1), changed.changed()).await;
            }
        });
        found.await.expect("nothing is found in the store")
    }
}

fn url(directory: &TempDir) -> String {
    format!("sqlite:{}", directory.path().join("jobs.db").display())
}

/// The workers that the store knows.
pub(crate) async fn workers(jobs: &Jobs) -> Vec<WorkerRecord> {
    jobs.inspect().unwrap().workers(jobs.now()).await.unwrap()
}

/// The result of a job, which comes before long.
pub(crate) async fn result<J: Job>(job: &JobHandle<J>) -> J::Output {
    timeout(LIMIT, job.wait()).await.expect("the job ends").expect("the job completes")
}

/// The job's record, if it is ready.
pub(crate) async fn ready<J: Job>(job: &JobHandle<J>) -> Option<Record> {
    Some(job.record().await.unwrap()).filter(|record| record.state == JobState::Ready)
}

/// The job is ready as if it had never been claimed.
#[track_caller]
pub(crate) fn assert_untouched(record: &Record) {
    let found = (record.state, record.attempt, record.worker, record.rescues);
    assert_eq!(found, (JobState::Ready, 0, None, 0), "{record:?}");
}

/// The words of a job's history, none of which says that something went wrong.
pub(crate) async fn words<J: Job>(store: &Store, job: &JobHandle<J>) -> Vec<String> {
    let history = store.jobs.history(job.id()).await.unwrap();
    assert!(history.iter().all(|entry| entry.failure.is_none()), "{history:?}");
    history.into_iter().map(|entry| entry.outcome).collect()
}
