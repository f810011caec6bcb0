//! A small run with workers that die, one of which writes late, with cancels, retries and chains, over a store in memory and a paused clock.

use std::sync::Arc;
use std::time::Duration;

use jobwork::store::memory::Memory;
use jobwork::store::{Beat, BeatKind, Claim, Served, Store, WorkerInfo, WorkerState};
use jobwork::{App, Clock, Dispatch, Finished, Job, JobId, Jobs, Lease, Outcome, WorkerHandle, WorkerId, chain};
use jobwork_proof::Recorded;
use jobwork_proof::history::{Event, History, Line, Promise, Remains};
use tokio::time::{Instant, sleep};

use crate::jobs::{Double, Flaky, Long, Orphan, Plain, Slow};

/// Everything is over by then, if it is to be.
const LIMIT: Duration = Duration::from_secs(300);

/// What everybody in a run shares.
struct Stage {
    store: Arc<dyn Store>,
    clock: Clock,
    history: History,
    jobs: Jobs,
    promised: Vec<JobId>,
}

/// Plays it over what `wrap` makes of the store, and returns what happened.
pub(crate) async fn play(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Vec<Line> {
    let mut stage = Stage::new(wrap(Arc::new(Memory::new())));
    stage.dispatch(Orphan::dispatch()).await;
    stage.dispatch(Plain::dispatch(0)).await;
    stage.dispatch(Orphan::dispatch()).await;
    let late = stage.die_with_a_job(3).await;
    stage.die_with_a_job(4).await;
    let long = stage.dispatch_others().await;
    let workers = [stage.work(1).await, stage.work(2).await];
    sleep(Duration::from_secs(3)).await;
    stage.cancel(long).await;
    // The jobs of the dead workers are another's by now, who has them for a while.
    sleep(Duration::from_secs(17)).await;
    stage.write_late(3, late).await;
    stage.wait().await;
    for worker in workers {
        worker.stop_and_wait().await;
    }
    stage.write_down().await;
    stage.history.lines()
}

impl Stage {
    fn new(store: Arc<dyn Store>) -> Self {
        let clock = Clock::tokio();
        let jobs = Jobs::new(Arc::clone(&store)).with_clock(clock.clone());
        let history = History::in_memory(clock.clone());
        Self { store, clock, history, jobs, promised: Vec::new() }
    }

    /// Dispatches something for each rule to look at; returns the job that is to be cancelled while it runs.
    async fn dispatch_others(&mut self) -> JobId {
        for number in 1..=2 {
            self.dispatch(Plain::dispatch(number)).await;
            self.dispatch(Slow::dispatch(number)).await;
        }
        self.dispatch(Flaky::dispatch()).await;
        for number in [1, 10] {
            self.dispatch_chain(number).await;
        }
        for delay in [60, 90] {
            let later = self.dispatch(Plain::dispatch(7).delay(Duration::from_secs(delay))).await;
            self.cancel(later).await;
        }
        self.dispatch(Long::dispatch()).await
    }

    async fn dispatch<J: Job>(&mut self, dispatch: Dispatch<J>) -> JobId {
        let handle = dispatch.on(&self.jobs).await.unwrap();
        let existing = !handle.is_new();
        let promise = Promise { job: handle.id(), name: J::NAME.to_owned(), chain: None, place: 0, existing };
        self.promise(vec![promise]);
        handle.id()
    }

    async fn dispatch_chain(&mut self, number: u64) {
        let handle = chain![Double, Double].dispatch(number).on(&self.jobs).await.unwrap();
        let member = |(place, job): (u32, &JobId)| Promise {
            job: *job,
            name: Double::NAME.to_owned(),
            chain: Some(handle.id()),
            place,
            existing: false,
        };
        self.promise((0..).zip(handle.ids()).map(member).collect());
    }

    fn promise(&mut self, jobs: Vec<Promise>) {
        self.promised.extend(jobs.iter().map(|promise| promise.job));
        self.history.add(Event::Dispatched { jobs });
    }

    async fn cancel(&self, job: JobId) {
        self.history.add(Event::Cancelling { job });
        let answer = self.jobs.cancel(job).await.unwrap();
        self.history.add(Event::Cancelled { job, answer: format!("{answer:?}").to_lowercase() });
    }

    fn recorded(&self, by: u32) -> Arc<Recorded> {
        Arc::new(Recorded::new(Arc::clone(&self.store), self.history.by(by)))
    }

    async fn work(&self, by: u32) -> WorkerHandle {
        let recorded = self.recorded(by);
        let middleware = recorded.middleware();
        let jobs = Jobs::new(recorded).with_clock(self.clock.clone());
        let app = App::new().single_runtime(true).signals(false).jobs(jobs).middleware(middleware);
        app.spawn().await.unwrap()
    }

    /// A worker that joins the store, begins a job, and is not heard of for long.
    async fn die_with_a_job(&self, by: u32) -> Lease {
        let (recorded, now) = (self.recorded(by), self.clock.now());
        let info = WorkerInfo {
            id: WorkerId::fresh(),
            host: "elsewhere".to_owned(),
            pid: by,
            queues: Vec::new(),
            concurrency: 1,
            started_at: now,
        };
        let worker = info.id;
        let (state, lease) = (WorkerState::Running, Duration::from_secs(10));
        let beat = Beat { worker: info.into(), kind: BeatKind::Join, state, running: 0, lease, now };
        recorded.beat(beat).await.unwrap();
        let served = Served { name: Orphan::NAME.to_owned(), version: 1 };
        let batch = recorded.claim(Claim::new(worker, [served].into(), 1, now)).await.unwrap();
        let lease = batch.jobs[0].lease;
        self.history.by(by).add(Event::Started { run: lease.into() });
        lease
    }

    /// A dead worker lives after all, and says what has become of its job.
    async fn write_late(&self, by: u32, lease: Lease) {
        let outcome = Outcome::Completed { output: "null".to_owned() };
        let finished = Finished { lease, outcome, at: self.clock.now() };
        self.recorded(by).finish([finished].into()).await.unwrap();
    }

    async fn wait(&self) {
        let begun = Instant::now();
        let inspect = self.store.inspect().unwrap();
        while inspect.counts(self.clock.now()).await.unwrap().open() > 0 && begun.elapsed() < LIMIT {
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Writes down what is left.
    async fn write_down(&self) {
        let mut jobs = self.promised.clone();
        jobs.sort_unstable();
        jobs.dedup();
        for job in jobs {
            let Some(record) = self.jobs.get(job).await.unwrap() else { continue };
            let story = self.jobs.history(job).await.unwrap();
            let story = story.into_iter().map(|attempt| (attempt.attempt, attempt.outcome)).collect();
            let jobwork::Record { state, attempt, rescues, args, output, reason, .. } = record;
            self.history.add(Event::Remains(Remains { job, state, attempt, rescues, args, output, reason, story }));
        }
    }
}
