use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::postgres::Postgres;
use jobwork::store::{
    Beat, BeatKind, Cause, Claim, Control, Due, Fire, Inspect, Keep, Prune, Push, Pushed, QueueCap, Rescue, Retention,
    Served, SetBy, Settled, Signals, Store, Stored, Upkeep, WorkerInfo, WorkerState,
};
use jobwork::{Claimed, Error, Finished, JobId, Lease, NewJob, Note, Outcome, Progress, QueueLimit, Target, WorkerId};

use crate::journal::Journal;
use crate::random::{NAMES, QUEUES, Random};

/// Longer than a test takes, even by its own clock.
const LEASE: Duration = Duration::from_secs(86_400);

/// A process of its own, as far as the server can see.
pub(crate) struct Task {
    pub(crate) journal: Arc<Journal>,
    pub(crate) store: Postgres,
    pub(crate) random: Random,
    worker: WorkerId,
    leases: Vec<Lease>,
}

impl Task {
    pub(crate) async fn begin(journal: Arc<Journal>, url: &str, seed: u64) -> Self {
        let store = Postgres::open(url).await.unwrap();
        let mut task = Self { journal, store, random: Random(seed), worker: WorkerId::fresh(), leases: Vec::new() };
        task.join().await;
        task
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.journal.now()
    }

    fn upkeep(&self) -> &dyn Upkeep {
        self.store.upkeep().unwrap()
    }

    pub(crate) fn inspect(&self) -> &dyn Inspect {
        self.store.inspect().unwrap()
    }

    fn control(&self) -> &dyn Control {
        self.store.control().unwrap()
    }

    /// One call of some kind.
    pub(crate) async fn step(&mut self) {
        match self.random.below(40) {
            0..=9 => self.push().await,
            10..=17 => self.claim().await,
            18..=26 => self.finish().await,
            27..=31 => self.change_by_hand().await,
            32 => self.prune().await,
            33 => drop(self.upkeep().expire(self.now(), 5).await.unwrap()),
            34 | 35 => self.control_something().await,
            36 => self.note().await,
            37 => self.die().await,
            38 => self.fire().await,
            _ => {
                let time = self.random.while_();
                self.journal.pass(time / 4);
                assert_eq!(
                    self.beat(self.worker, BeatKind::Live, LEASE).await,
                    Signals { cancel: Vec::new(), ..Signals::default() }
                );
            }
        }
    }

    /// Remembers what was stored of these jobs.
    fn stored(&self, jobs: &[NewJob], stored: &Stored) {
        let mut entries = self.journal.entries();
        for (job, pushed) in jobs.iter().zip(&stored.jobs) {
            if let Pushed::New(id) = *pushed {
                entries.jobs.push(id);
                if job.retain == Some(Duration::ZERO) {
                    entries.brief.insert(id);
                }
            }
        }
        entries.batches.extend(&stored.batches);
    }

    async fn push(&mut self) {
        let now = self.now();
        let batches = self.journal.entries().batches.clone();
        let newest = &batches[batches.len().saturating_sub(5)..];
        let (jobs, batches) = self.random.jobs(now, newest);
        match self.store.push(Push::of(jobs.clone(), now).batches(batches)).await {
            Ok(stored) => self.stored(&jobs, &stored),
            Err(Error::Duplicate { .. } | Error::NoSuchBatch(_) | Error::BatchClosed(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn asks(&mut self, worker: WorkerId) -> Claim {
        let names = NAMES.map(|name| Served { name: name.to_owned(), version: 1 });
        let mut claim = Claim::new(worker, Arc::new(names), 1 + self.random.below(6), self.now());
        if self.random.one_in(3) {
            claim.queues = Some(Arc::new([self.random.one_of(&QUEUES).to_owned()]));
        }
        if self.random.one_in(4) {
            claim.ageing = Some(Duration::from_millis(100));
        }
        if self.random.one_in(4) {
            claim.caps = Arc::new([QueueCap { queue: "one".to_owned(), jobs: 1 }]);
        }
        claim
    }

    async fn claim(&mut self) {
        let claim = self.asks(self.worker);
        let batch = self.store.claim(claim).await.unwrap();
        self.took(&batch.jobs);
    }

    fn took(&mut self, jobs: &[Claimed]) {
        let mut entries = self.journal.entries();
        for job in jobs {
            entries.begin(job.lease);
            self.leases.push(job.lease);
        }
    }

    /// Some of the leases, each with an outcome.
    fn outcomes(&mut self) -> Arc<[Finished]> {
        let at = self.now();
        let count = self.random.below(self.leases.len() + 1);
        let leases: Vec<Lease> = self.leases.drain(..count).collect();
        leases.into_iter().map(|lease| Finished { lease, outcome: self.random.outcome(at), at }).collect()
    }

    async fn finish(&mut self) {
        let finished = self.outcomes();
        finished.iter().for_each(|finished| self.journal.entries().let_go(finished.lease));
        let settled = self.store.finish(Arc::clone(&finished)).await.unwrap();
        assert!(
            settled.iter().all(|settled| *settled == Settled::Stored),
            "a living worker lost {finished:?}: {settled:?}"
        );
        self.ended(&finished, &settled);
    }

    fn ended(&self, finished: &[Finished], settled: &[Settled]) {
        let mut entries = self.journal.entries();
        for (finished, settled) in finished.iter().zip(settled) {
            if *settled == Settled::Stored {
                entries.end(finished.lease, finished.outcome.clone());
            }
        }
    }

    /// Ids of some jobs, mostly of new ones.
    fn some_jobs(&mut self) -> Vec<JobId> {
        let entries = self.journal.entries();
        let newest = &entries.jobs[entries.jobs.len().saturating_sub(60)..];
        if newest.is_empty() {
            return Vec::new();
        }
        (0..1 + self.random.below(4)).map(|_| self.random.one_of(newest)).collect()
    }

    async fn change_by_hand(&mut self) {
        let (ids, now) = (self.some_jobs(), self.now());
        match self.random.below(4) {
            0 => drop(self.inspect().cancel(&ids, now).await.unwrap()),
            1 => drop(self.inspect().retry(&ids, now).await.unwrap()),
            2 => {
                let queue = self.random.one_of(&QUEUES);
                self.inspect().requeue(&ids, queue, now).await.unwrap();
            }
            _ => {
                let deleted = self.inspect().delete(&ids, now).await.unwrap();
                self.journal.entries().forgotten += deleted.into_iter().filter(|deleted| *deleted).count();
            }
        }
    }

    async fn prune(&mut self) {
        let brief = Keep::for_time(Duration::from_millis(500));
        let few = Keep::forever().at_most(5);
        let retention = Retention::forever().completed(brief).cancelled(few).discarded(few).dead(brief);
        let prune = Prune { retention: Arc::new(retention), limit: 1 + self.random.below(20), now: self.now() };
        let pruned = self.upkeep().prune(prune).await.unwrap();
        self.journal.entries().forgotten += pruned;
    }

    async fn control_something(&mut self) {
        let targets = [Target::Everything, Target::Queue(QUEUES[0].to_owned()), Target::Job(NAMES[0].to_owned())];
        let (target, now) = (self.random.one_of(&targets), self.now());
        match self.random.below(8) {
            0 | 1 => self.control().pause(&target, Some(now + Duration::from_millis(100)), now).await.unwrap(),
            2 => self.control().pause(&targets[2], None, now).await.unwrap(),
            3..=5 => self.resume_all().await,
            6 => self.control().limit_queue(QUEUES[1], QueueLimit::new().concurrency(3), SetBy::Hand).await.unwrap(),
            _ => self.control().limit_queue(QUEUES[1], QueueLimit::new(), SetBy::Hand).await.unwrap(),
        }
    }

    pub(crate) async fn resume_all(&self) {
        let now = self.now();
        for target in [Target::Everything, Target::Queue(QUEUES[0].to_owned()), Target::Job(NAMES[0].to_owned())] {
            self.control().resume(&target, now).await.unwrap();
        }
    }

    async fn note(&mut self) {
        let Some(lease) = self.leases.last() else { return };
        let mut note = Note::new(*lease);
        note.progress = Some(Progress::new(0.5, "half", self.now()));
        let settled = self.store.notes().unwrap().note(Arc::new([note])).await.unwrap();
        assert_eq!(settled, [Settled::Stored], "a living worker lost {lease:?}");
    }

    /// Fires the tick of this second.
    async fn fire(&mut self) {
        let now = self.now();
        let tick = Timestamp::from_second(now.as_second()).unwrap();
        let job = NewJob::new(NAMES[1], "{}");
        let jobs = vec![job.clone(), job];
        let due = Due { expression: "* * * * *".to_owned(), zone: "UTC".to_owned() };
        let fire = Fire { name: "tick".to_owned(), due, cause: Cause::Tick(tick), push: Push::of(jobs.clone(), now) };
        if let Some(stored) = self.store.schedules().unwrap().fire(fire).await.unwrap() {
            assert!(self.journal.entries().ticks.insert(tick), "{tick} was fired twice");
            self.stored(&jobs, &stored);
        }
    }

    async fn beat(&self, worker: WorkerId, kind: BeatKind, lease: Duration) -> Signals {
        let info = WorkerInfo {
            id: worker,
            host: "host".to_owned(),
            pid: 7,
            queues: Vec::new(),
            concurrency: 10,
            started_at: self.now(),
        };
        // What is new about a worker is written with its lease.
        let state = if lease.is_zero() { WorkerState::Quiet } else { WorkerState::Running };
        let beat = Beat { worker: Arc::new(info), kind, state, running: 0, lease, now: self.now() };
        let signals = self.store.beat(beat).await.unwrap();
        Signals { cancel: Vec::new(), ..signals }
    }

    async fn join(&mut self) {
        self.worker = WorkerId::fresh();
        self.beat(self.worker, BeatKind::Join, LEASE).await;
    }

    /// The worker leaves or dies while it claims and finishes, and others rescue its jobs; then another one joins.
    pub(crate) async fn die(&mut self) {
        let worker = self.worker;
        self.leases.iter().for_each(|lease| self.journal.entries().let_go(*lease));
        let (claim, finished) = (self.asks(worker), self.outcomes());
        let leaves = self.random.one_in(2);
        let end = async {
            let (kind, lease) = if leaves { (BeatKind::Leave, LEASE) } else { (BeatKind::Live, Duration::ZERO) };
            self.beat(worker, kind, lease).await;
            self.rescue().await;
        };
        let (batch, settled, ()) = tokio::join!(self.store.claim(claim), self.store.finish(Arc::clone(&finished)), end);
        batch.unwrap().jobs.iter().for_each(|job| self.journal.entries().lose(job.lease));
        self.ended(&finished, &settled.unwrap());
        self.leases.clear();
        self.join().await;
    }

    pub(crate) async fn rescue(&self) {
        self.upkeep().rescue(Rescue { poison_after: 3, now: self.now() }).await.unwrap();
    }

    /// Claims and completes all that there is, and lets time pass as long as something is due later.
    pub(crate) async fn drain(&mut self) {
        for _ in 0..10_000 {
            let claim = Claim { queues: None, ..self.asks(self.worker) };
            let batch = self.store.claim(claim).await.unwrap();
            self.took(&batch.jobs);
            let at = self.now();
            let completed =
                |lease: Lease| Finished { lease, outcome: Outcome::Completed { output: "1".to_owned() }, at };
            let finished: Arc<[Finished]> = self.leases.drain(..).map(completed).collect();
            finished.iter().for_each(|finished| self.journal.entries().let_go(finished.lease));
            let settled = self.store.finish(Arc::clone(&finished)).await.unwrap();
            self.ended(&finished, &settled);
            match batch.next_due {
                Some(due) => self.journal.pass(due.duration_since(self.now()).try_into().unwrap_or_default()),
                None if finished.is_empty() => return,
                None => {}
            }
        }
        panic!("the jobs are never drained");
    }
}
