use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use jiff::Timestamp;

use crate::job::{JobState, Record, WorkerId};

/// Where the jobs that wait for a worker or have one are found without a search.
#[derive(Debug, Default)]
pub(super) struct Index {
    ready: BTreeMap<String, Lane>,
    running: BTreeSet<(WorkerId, u64)>,
    /// Those with a time to expire that have not begun.
    expiring: BTreeSet<(Timestamp, u64)>,
    /// The queue that a claim of every queue looked at first, the last time.
    first_served: String,
}

/// The ready jobs of one queue in the order in which they are claimed, those that are due later included.
type Lane = BTreeMap<Reverse<i32>, BTreeSet<(Timestamp, u64)>>;

impl Index {
    /// Enters a job where its state puts it.
    pub(super) fn insert(&mut self, seq: u64, job: &Record) {
        self.expiring.extend(expiry(job).map(|time| (time, seq)));
        match (job.state, job.worker) {
            // A gate has it.
            (JobState::Ready, _) if job.held_by.is_some() => {}
            (JobState::Ready, _) => {
                let lane = self.ready.entry(job.queue.clone()).or_default();
                lane.entry(Reverse(job.priority)).or_default().insert((job.run_at, seq));
            }
            (JobState::Running, Some(worker)) => {
                self.running.insert((worker, seq));
            }
            _ => {}
        }
    }

    /// Takes out a job that was entered as it is now.
    pub(super) fn remove(&mut self, seq: u64, job: &Record) {
        if let Some(time) = expiry(job) {
            self.expiring.remove(&(time, seq));
        }
        match (job.state, job.worker) {
            (JobState::Ready, _) if job.held_by.is_some() => {}
            (JobState::Ready, _) => self.remove_ready(seq, job),
            (JobState::Running, Some(worker)) => {
                self.running.remove(&(worker, seq));
            }
            _ => {}
        }
    }

    fn remove_ready(&mut self, seq: u64, job: &Record) {
        let Some(lane) = self.ready.get_mut(&job.queue) else { return };
        if let Some(jobs) = lane.get_mut(&Reverse(job.priority)) {
            jobs.remove(&(job.run_at, seq));
            if jobs.is_empty() {
                lane.remove(&Reverse(job.priority));
            }
        }
        if lane.is_empty() {
            self.ready.remove(&job.queue);
        }
    }

    /// The jobs that a worker has.
    pub(super) fn running(&self, worker: WorkerId) -> Vec<u64> {
        self.running.range((worker, 0)..=(worker, u64::MAX)).map(|(_, seq)| *seq).collect()
    }

    /// The jobs that have expired, those that did first at the front.
    pub(super) fn expired(&self, now: Timestamp) -> impl Iterator<Item = u64> {
        self.expiring.range(..=(now, u64::MAX)).map(|(_, seq)| *seq)
    }

    /// Every queue with ready jobs, each time beginning with another one, so that none starves.
    pub(super) fn rotate(&mut self) -> Vec<String> {
        let after = self.ready.range::<String, _>((Excluded(&self.first_served), Unbounded));
        let before = self.ready.range::<String, _>(..=&self.first_served);
        let queues: Vec<String> = after.chain(before).map(|(queue, _)| queue.clone()).collect();
        if let Some(first) = queues.first() {
            self.first_served.clone_from(first);
        }
        queues
    }

    /// The jobs of a queue that are due, by priority, the highest first, and within one the longest due first.
    pub(super) fn due(&self, queue: &str, now: Timestamp) -> impl Iterator<Item = impl Iterator<Item = u64>> {
        let lanes = self.ready.get(queue).into_iter().flat_map(BTreeMap::values);
        lanes.map(move |jobs| jobs.range(..=(now, u64::MAX)).map(|(_, seq)| *seq))
    }

    /// When the first job of a queue that is due later, and that `wanted` accepts, falls due.
    pub(super) fn next_due(&self, queue: &str, now: Timestamp, wanted: impl Fn(u64) -> bool) -> Option<Timestamp> {
        let lanes = self.ready.get(queue)?.values();
        let later = |jobs: &BTreeSet<(Timestamp, u64)>| {
            let mut later = jobs.range((Excluded((now, u64::MAX)), Unbounded));
            later.find(|(_, seq)| wanted(*seq)).map(|(due, _)| *due)
        };
        lanes.filter_map(later).min()
    }
}

/// When the job expires, if it is one that can.
fn expiry(job: &Record) -> Option<Timestamp> {
    job.expires_at.filter(|_| matches!(job.state, JobState::Waiting | JobState::Ready))
}
