use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::after;
use crate::job::{
    Attempt, Claimed, DeadReason, Failure, FailureKind, Finished, JobId, JobState, Lease, Membership, NewJob, Outcome,
    Record, Wait, WorkerId,
};
use crate::store::{
    Batch, Beat, BeatKind, CancelAnswer, Claim, Inspect, Push, QueueCap, Rescue, Served, Settled, Signals, Store,
    Stored, WorkerInfo, WorkerState,
};

/// How long a worker of the suite is taken to be alive without a beat.
pub(super) const LEASE: Duration = Duration::from_secs(30);

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The names that the suite's workers can perform.
const NAMES: [&str; 4] = ["job", "first", "second", "third"];

/// A store under test and the time it is told.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) store: Arc<dyn Store>,
    pub(super) now: Timestamp,
    names: Arc<[Served]>,
}

impl Case {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, now: Timestamp::from_second(1_800_000_000).unwrap(), names: served(&NAMES) }
    }

    pub(super) fn inspect(&self) -> &dyn Inspect {
        self.store.inspect().expect("this case needs a store that can be inspected")
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now = after(self.now, time);
    }

    pub(super) fn in_an_hour(&self) -> Timestamp {
        after(self.now, HOUR)
    }

    pub(super) async fn push(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        self.push_all(Push::of(jobs, self.now)).await.ids()
    }

    pub(super) async fn push_all(&self, push: Push) -> Stored {
        self.store.push(push).await.unwrap()
    }

    pub(super) async fn push_one(&self, job: NewJob) -> JobId {
        self.push(vec![job]).await[0]
    }

    pub(super) async fn join(&self) -> WorkerId {
        let worker = WorkerId::fresh();
        assert_eq!(self.beat(worker, BeatKind::Join).await, Signals::default());
        worker
    }

    pub(super) async fn beat(&self, worker: WorkerId, kind: BeatKind) -> Signals {
        self.store.beat(self.beat_of(worker, kind)).await.unwrap()
    }

    pub(super) fn beat_of(&self, worker: WorkerId, kind: BeatKind) -> Beat {
        let info = WorkerInfo {
            id: worker,
            host: "host".to_owned(),
            pid: 7,
            queues: Vec::new(),
            concurrency: 10,
            started_at: Timestamp::from_second(1_800_000_000).unwrap(),
        };
        Beat { worker: Arc::new(info), kind, state: WorkerState::Running, running: 0, lease: LEASE, now: self.now }
    }

    /// A claim of every queue with the suite's names.
    pub(super) fn asks(&self, worker: WorkerId, limit: usize) -> Claim {
        Claim::new(worker, Arc::clone(&self.names), limit, self.now)
    }

    pub(super) async fn claim_as(&self, claim: Claim) -> Batch {
        self.store.claim(claim).await.unwrap()
    }

    pub(super) async fn claim(&self, worker: WorkerId, limit: usize) -> Vec<Claimed> {
        self.claim_as(self.asks(worker, limit)).await.jobs
    }

    pub(super) async fn claim_ids(&self, worker: WorkerId, limit: usize) -> Vec<JobId> {
        self.claim(worker, limit).await.into_iter().map(|job| job.lease.job).collect()
    }

    pub(super) async fn claim_one(&self, worker: WorkerId) -> Claimed {
        self.claim(worker, 1).await.pop().expect("a job is ready, and the claim gives it")
    }

    /// Claims the next job, which must be this one.
    pub(super) async fn start(&self, job: JobId, worker: WorkerId) -> Lease {
        let lease = self.claim_one(worker).await.lease;
        assert_eq!(lease.job, job, "another job was next");
        lease
    }

    /// A job that a worker has just claimed.
    pub(super) async fn running(&self, worker: WorkerId) -> Lease {
        let job = self.push_one(job()).await;
        self.start(job, worker).await
    }

    pub(super) async fn finish(&self, lease: Lease, outcome: Outcome) -> Settled {
        let finished = [Finished { lease, outcome, at: self.now }];
        let settled = self.store.finish(Arc::new(finished)).await.unwrap();
        assert_eq!(settled.len(), 1);
        settled[0]
    }

    /// Writes an outcome that must be accepted.
    pub(super) async fn settle(&self, lease: Lease, outcome: Outcome) {
        assert_eq!(self.finish(lease, outcome).await, Settled::Stored);
    }

    pub(super) async fn find(&self, job: JobId) -> Option<Record> {
        self.inspect().get(&[job], self.now).await.unwrap().pop().flatten()
    }

    pub(super) async fn record(&self, job: JobId) -> Record {
        self.find(job).await.expect("the job exists")
    }

    pub(super) async fn state(&self, job: JobId) -> JobState {
        self.record(job).await.state
    }

    pub(super) async fn states(&self, jobs: &[JobId]) -> Vec<JobState> {
        let records = self.inspect().get(jobs, self.now).await.unwrap();
        records.into_iter().map(|record| record.expect("the job exists").state).collect()
    }

    pub(super) async fn history(&self, job: JobId) -> Vec<Attempt> {
        self.inspect().history(job).await.unwrap()
    }

    pub(super) async fn cancel(&self, job: JobId) -> CancelAnswer {
        self.inspect().cancel(&[job], self.now).await.unwrap()[0]
    }

    pub(super) async fn retry(&self, job: JobId) -> bool {
        self.inspect().retry(&[job], self.now).await.unwrap()[0]
    }

    pub(super) async fn delete(&self, job: JobId) -> bool {
        self.inspect().delete(&[job], self.now).await.unwrap()[0]
    }

    /// Rescues with the default limit of three.
    pub(super) async fn rescue(&self) -> Vec<JobId> {
        self.rescue_until(3).await
    }

    pub(super) async fn rescue_until(&self, poison_after: u32) -> Vec<JobId> {
        let upkeep = self.store.upkeep().expect("this case needs a store with upkeep");
        upkeep.rescue(Rescue { poison_after, now: self.now }).await.unwrap()
    }

    pub(super) async fn expire(&self, limit: usize) -> usize {
        let upkeep = self.store.upkeep().expect("this case needs a store with upkeep");
        upkeep.expire(self.now, limit).await.unwrap()
    }

    /// A worker claims the next job, which must be this one, and dies.
    pub(super) async fn die_running(&mut self, job: JobId) -> Lease {
        let worker = self.join().await;
        let lease = self.start(job, worker).await;
        self.pass(LEASE);
        lease
    }
}

pub(super) fn strings(words: &[&str]) -> Arc<[String]> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn caps(most: &[(&str, usize)]) -> Arc<[QueueCap]> {
    most.iter().map(|(queue, jobs)| QueueCap { queue: (*queue).to_owned(), jobs: *jobs }).collect()
}

/// These names, each in its first version.
pub(super) fn served(names: &[&str]) -> Arc<[Served]> {
    names.iter().map(|name| Served { name: (*name).to_owned(), version: 1 }).collect()
}

pub(super) fn job() -> NewJob {
    named("job")
}

pub(super) fn named(name: &'static str) -> NewJob {
    NewJob::new(name, "{}")
}

pub(super) fn jobs(count: usize) -> Vec<NewJob> {
    vec![job(); count]
}

pub(super) fn in_queue(queue: &'static str) -> NewJob {
    NewJob { queue: queue.into(), ..job() }
}

pub(super) fn due(at: Timestamp) -> NewJob {
    NewJob { run_at: Some(at), ..job() }
}

/// A job that takes the output of number `on` of its push as its `input`.
pub(super) fn after_job(on: usize) -> NewJob {
    NewJob { waits: vec![Wait { on, slot: Some("input".to_owned()) }], ..job() }
}

/// So many jobs, each given the output of the one before as its `input`.
pub(super) fn chain(length: u32) -> Vec<NewJob> {
    let member = |position| NewJob {
        waits: (position > 0)
            .then(|| Wait { on: position as usize - 1, slot: Some("input".to_owned()) })
            .into_iter()
            .collect(),
        chain: Some(Membership { first: 0, position, on_error: None }),
        ..job()
    };
    (0..length).map(member).collect()
}

pub(super) fn failure(message: &str) -> Failure {
    Failure { kind: FailureKind::Error, message: message.to_owned(), detail: None, middleware: None }
}

pub(super) fn completed(output: &str) -> Outcome {
    Outcome::Completed { output: output.to_owned() }
}

pub(super) fn failed(at: Timestamp) -> Outcome {
    Outcome::Retry { at, failure: failure("no route to host") }
}

pub(super) fn handed_back() -> Outcome {
    Outcome::HandedBack { failure: None }
}

pub(super) fn cancelled() -> Outcome {
    Outcome::Cancelled { failure: None }
}

pub(super) fn discarded() -> Outcome {
    Outcome::Discarded { why: "nobody wants it".to_owned() }
}

pub(super) fn dead(reason: DeadReason) -> Outcome {
    Outcome::Dead { reason, failure: failure("no such address") }
}

/// One outcome of each kind.
pub(super) fn every_outcome(at: Timestamp) -> [Outcome; 9] {
    let snoozed = Outcome::Snoozed { until: at };
    let limited = Outcome::RateLimited { until: at };
    let dead = dead(DeadReason::Exhausted);
    [completed("1"), Outcome::Unstarted, failed(at), snoozed, limited, handed_back(), cancelled(), discarded(), dead]
}

pub(super) const DEAD_REASONS: [DeadReason; 6] = [
    DeadReason::Exhausted,
    DeadReason::OutOfTime,
    DeadReason::NotWorthRetrying,
    DeadReason::ItsOwnWord,
    DeadReason::Undecodable,
    DeadReason::Poison,
];
