use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::{Beat, BeatKind, Claim, Push, Served, Store, WorkerInfo, WorkerState};
use jobwork::{Claimed, Finished, JobId, JobState, NewJob, Outcome, WorkerId};

/// Only a broken test waits this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Makes a worker known, which asks for jobs by hand.
pub(crate) async fn join(store: &dyn Store) -> WorkerId {
    let id = WorkerId::fresh();
    beat(store, id, BeatKind::Join).await;
    id
}

/// Says that a worker comes, lives or goes.
pub(crate) async fn beat(store: &dyn Store, id: WorkerId, kind: BeatKind) {
    let info = WorkerInfo {
        id,
        host: "elsewhere".to_owned(),
        pid: 1,
        queues: Vec::new(),
        concurrency: 1,
        started_at: Timestamp::now(),
    };
    let (worker, state, lease) = (Arc::new(info), WorkerState::Running, Duration::from_secs(600));
    store.beat(Beat { worker, kind, state, running: 0, lease, now: Timestamp::now() }).await.unwrap();
}

/// Stores so many jobs.
pub(crate) async fn push(store: &dyn Store, count: usize) -> Vec<JobId> {
    store.push(Push::of(vec![NewJob::new("job", "{}"); count], Timestamp::now())).await.unwrap().ids()
}

pub(crate) fn request(worker: WorkerId) -> Claim {
    Claim::new(worker, Arc::new([Served { name: "job".to_owned(), version: 1 }]), 10, Timestamp::now())
}

pub(crate) async fn claim(store: &dyn Store, worker: WorkerId) -> Vec<Claimed> {
    store.claim(request(worker)).await.unwrap().jobs
}

/// The same outcome for all of them.
pub(crate) fn all(jobs: &[Claimed], outcome: &Outcome) -> Arc<[Finished]> {
    let finished = |job: &Claimed| Finished { lease: job.lease, outcome: outcome.clone(), at: Timestamp::now() };
    jobs.iter().map(finished).collect()
}

pub(crate) fn completed() -> Outcome {
    Outcome::Completed { output: "null".to_owned() }
}

/// The states of jobs, with the number of the attempt.
pub(crate) async fn states(store: &dyn Store, ids: &[JobId]) -> Vec<(JobState, u32)> {
    let found = store.inspect().unwrap().get(ids, Timestamp::now()).await.unwrap();
    found.into_iter().map(|record| record.map(|record| (record.state, record.attempt)).unwrap()).collect()
}

/// Waits until a look finds something.
pub(crate) async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let found = tokio::time::timeout(LIMIT, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    found.await.expect("nothing is found")
}
