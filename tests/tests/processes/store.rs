use std::time::Duration;

use jobwork::store::{Topic, WorkerRecord};
use jobwork::{Dispatch, Job, JobHandle, JobState, Jobs, Record};
use tokio::time::timeout;

use super::place::Place;
use super::process::LIMIT;

/// A store of a test's own, which several processes use.
#[derive(Debug)]
pub(crate) struct Store {
    place: Place,
    pub(crate) jobs: Jobs,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let place = Place::new().await;
        let jobs = Jobs::connect(&place.url()).await.unwrap();
        Self { place, jobs }
    }

    pub(crate) fn url(&self) -> String {
        self.place.url()
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
