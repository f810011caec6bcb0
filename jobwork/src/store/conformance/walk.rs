#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{Claimed, Flow, JobId, Limit, NewJob, Outcome, WorkerId};
use crate::store::{BeatKind, Claim, Store};

/// What a random walk knows of its jobs.
struct Walk {
    case: Case,
    random: u64,
    workers: Vec<WorkerId>,
    running: Vec<Claimed>,
    limits: BTreeMap<JobId, Vec<Limit>>,
    started: Vec<(jiff::Timestamp, JobId)>,
}

impl Walk {
    /// A number below `end`, from a generator that gives the same ones every time.
    fn below(&mut self, end: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % end
    }

    fn flow(&mut self) -> Flow {
        let possible = [
            Limit::concurrency("a", 2),
            Limit::concurrency("b", 1),
            Limit::rate("b", 3, SECOND),
            Limit::rate("c", 2, SECOND),
        ];
        possible
            .into_iter()
            .fold(Flow::default(), |flow, limit| if self.below(3) == 0 { flow.limit(limit) } else { flow })
    }

    async fn push(&mut self) {
        for _ in 0..1 + self.below(4) {
            let flow = self.flow();
            let limits = flow.limits.clone();
            let queue = ["one", "two"][self.below(2)];
            let name = ["job", "first"][self.below(2)];
            let delay = SECOND * self.below(2) as u32;
            let new = NewJob {
                flow,
                priority: self.below(3) as i32,
                run_at: Some(after(self.case.now, delay)),
                queue: queue.into(),
                ..named(name)
            };
            let id = self.case.push_one(new).await;
            self.limits.insert(id, limits);
        }
    }

    async fn claim(&mut self) {
        let index = self.below(3);
        let worker = self.workers[index];
        let limit = 1 + self.below(5);
        // One of the workers serves not all there is.
        let queues = (worker == self.workers[0]).then(|| strings(&["one"]));
        let names = if worker == self.workers[1] { served(&["job"]) } else { served(&["job", "first"]) };
        let claim = Claim { queues, names, ..self.case.asks(worker, limit) };
        let claimed = self.case.claim_as(claim).await.jobs;
        self.started.extend(claimed.iter().map(|job| (self.case.now, job.lease.job)));
        self.running.extend(claimed);
        self.check();
    }

    /// No limit is exceeded by what runs and what was started.
    fn check(&self) {
        let of = |job: &JobId, limit: &Limit| self.limits[job].contains(limit);
        for (limit, most) in [(Limit::concurrency("a", 2), 2), (Limit::concurrency("b", 1), 1)] {
            assert!(self.running.iter().filter(|job| of(&job.lease.job, &limit)).count() <= most, "{limit:?}");
        }
        // In any time a bucket gives out what it holds and what it gains meanwhile.
        for (limit, count) in [(Limit::rate("b", 3, SECOND), 3), (Limit::rate("c", 2, SECOND), 2)] {
            let starts: Vec<_> = self.started.iter().filter(|(_, job)| of(job, &limit)).map(|(at, _)| *at).collect();
            for (index, from) in starts.iter().enumerate() {
                let within = self.case.now.duration_since(*from).as_millis();
                let allowed = count + within * count / 1_000;
                assert!((starts.len() - index) as i128 <= allowed, "{limit:?} {starts:?}");
            }
        }
    }

    async fn finish(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let index = self.below(self.running.len());
        let job = self.running.swap_remove(index);
        let at = after(self.case.now, SECOND);
        let outcomes = [completed("1"), failed(at), handed_back(), Outcome::Unstarted, discarded(), completed("2")];
        let outcome = outcomes[self.below(outcomes.len())].clone();
        if outcome == Outcome::Unstarted {
            // Its token may be returned: it counts as not started.
            let last = self.started.iter().rposition(|(_, started)| *started == job.lease.job);
            self.started.remove(last.expect("what runs was started"));
        }
        self.case.settle(job.lease, outcome).await;
    }

    async fn change_by_hand(&mut self) {
        let ids: Vec<JobId> = self.limits.keys().copied().collect();
        let id = ids[self.below(ids.len())];
        if self.running.iter().any(|job| job.lease.job == id) {
            return;
        }
        match self.below(3) {
            0 => drop(self.case.cancel(id).await),
            1 => drop(self.case.retry(id).await),
            _ => drop(self.case.delete(id).await),
        }
    }

    async fn die(&mut self) {
        let index = self.below(3);
        let dead = std::mem::replace(&mut self.workers[index], self.case.join().await);
        self.running.retain(|job| job.lease.worker != dead);
        self.case.pass(LEASE / 2);
        for worker in self.workers.clone() {
            self.case.beat(worker, BeatKind::Live).await;
        }
        self.case.pass(LEASE / 2);
        self.case.rescue_until(0).await;
    }

    /// Claims and completes until nothing is left that could run.
    async fn drain(&mut self) {
        let worker = self.case.join().await;
        for _ in 0..10_000 {
            let batch = self.case.claim_as(self.case.asks(worker, 12)).await;
            self.started.extend(batch.jobs.iter().map(|job| (self.case.now, job.lease.job)));
            self.running.extend(batch.jobs);
            self.check();
            let found = !self.running.is_empty();
            for job in std::mem::take(&mut self.running) {
                self.case.settle(job.lease, completed("1")).await;
            }
            match batch.next_due {
                Some(due) => self.case.now = self.case.now.max(due),
                None if !found => return,
                None => {}
            }
        }
        panic!("the jobs are never drained");
    }
}

async fn walk(case: Case, seed: u64, steps: usize) -> jiff::Timestamp {
    let workers = vec![case.join().await, case.join().await, case.join().await];
    let limits = BTreeMap::new();
    let mut walk = Walk { case, random: seed, workers, running: Vec::new(), limits, started: Vec::new() };
    for _ in 0..steps {
        match walk.below(12) {
            0..=2 => walk.push().await,
            3..=6 => walk.claim().await,
            7..=9 => walk.finish().await,
            10 if !walk.limits.is_empty() => walk.change_by_hand().await,
            10 => {}
            _ if walk.below(4) == 0 => walk.die().await,
            _ => walk.case.pass(SECOND / 4),
        }
    }
    walk.drain().await;
    let counts = walk.case.inspect().counts(walk.case.now).await.unwrap();
    assert_eq!(counts.open(), 0, "seed {seed}: {counts:?}");
    walk.case.now
}

pub async fn whatever_happens_no_limit_is_exceeded_and_everything_is_drained(store: Arc<dyn Store>) {
    // A store on a disk takes its time for each step.
    let (walks, steps) = if store.name() == "memory" { (60, 150) } else { (3, 60) };
    let mut case = Case::new(store);
    for seed in 0..walks {
        case.now = walk(case.clone(), seed, steps).await;
        // The buckets of the next walk are full.
        case.pass(HOUR);
    }
}
