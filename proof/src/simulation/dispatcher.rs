use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jobwork::{Dispatch, DispatchMany, Job, JobHandle, JobId, Jobs, Result, chain};

use super::jobs::{Limited, Ordered, Plain, Step, Timed, Unique};
use super::plan::Plan;
use super::world::World;
use crate::history::{Event, History, Promise};

/// Dispatches jobs, waits for some, and cancels some.
#[derive(Debug)]
pub(super) struct Dispatcher {
    jobs: Jobs,
    world: Arc<World>,
    history: History,
    rng: Rng,
    /// What it was promised so far.
    promised: Vec<JobId>,
}

impl Dispatcher {
    pub(super) fn new(world: &Arc<World>, number: u32, mut rng: Rng) -> Self {
        let (jobs, history) = (world.client(rng.fork()), world.history.by(number));
        Self { jobs, world: Arc::clone(world), history, rng, promised: Vec::new() }
    }

    /// Does so many things, with pauses.
    pub(super) async fn run(mut self, things: usize) {
        for _ in 0..things {
            let pause = if self.rng.bool() { self.rng.u64(..50) } else { self.rng.u64(..4_000) };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.rng.u8(..11) {
                0..=1 => self.cancel().await,
                2..=3 => self.dispatch_chain().await,
                4 => self.dispatch_many().await,
                _ => self.dispatch().await,
            }
        }
    }

    async fn dispatch(&mut self) {
        let (key, plan) = (self.rng.u8(..3), Plan::draw(&mut self.rng));
        match self.rng.u8(..9) {
            0..=2 => self.dispatch_one(|| Plain::new(plan.clone())).await,
            3..=4 => self.dispatch_one(|| Timed::new(plan.clone())).await,
            5 => self.dispatch_one(|| Unique::new(key, plan.clone())).await,
            6..=7 => self.dispatch_one(|| Ordered::new(key, plan.clone())).await,
            _ => self.dispatch_one(|| Limited::new(key, plan.clone())).await,
        }
    }

    /// Dispatches a job, at once or for later, again if that fails, and may wait for its end.
    async fn dispatch_one<J: Job>(&mut self, job: impl Fn() -> J)
    where
        J::Output: Send,
    {
        let delay = (self.rng.u8(..4) == 0).then(|| Duration::from_millis(self.rng.u64(..5_000)));
        let expires = (self.rng.u8(..8) == 0).then(|| Duration::from_millis(self.rng.u64(500..9_000)));
        let priority = self.rng.i32(-1..=1);
        for _ in 0..3 {
            let mut dispatch = Dispatch::new(job()).on(&self.jobs).priority(priority);
            dispatch = delay.into_iter().fold(dispatch, Dispatch::delay);
            dispatch = expires.into_iter().fold(dispatch, Dispatch::expires);
            if let Ok(handle) = dispatch.await {
                self.world.book.dispatched(std::slice::from_ref(&handle));
                self.promised.push(handle.id());
                return self.wait(&handle).await;
            }
        }
    }

    /// Sometimes, and not for ever.
    async fn wait<J: Job>(&mut self, handle: &JobHandle<J>)
    where
        J::Output: Send,
    {
        if self.rng.u8(..6) == 0 {
            let patience = Duration::from_millis(self.rng.u64(..8_000));
            // Whatever comes of it, the checker sees it.
            drop(tokio::time::timeout(patience, handle.wait()).await);
        }
    }

    /// Dispatches so many short jobs that workers claim some ahead.
    async fn dispatch_many(&mut self) {
        let count = self.rng.usize(5..60);
        let plan = |rng: &mut Rng| if rng.u8(..10) == 0 { Plan::draw(rng) } else { Plan::default() };
        let jobs: Vec<Plain> = (0..count).map(|_| Plain::new(plan(&mut self.rng))).collect();
        if let Ok(handles) = DispatchMany::new(jobs).on(&self.jobs).await {
            self.world.book.dispatched(&handles);
        }
    }

    async fn dispatch_chain(&mut self) {
        let mut plan = || Plan::draw_lasting(&mut self.rng);
        let chain = chain![Step(1, plan()), Step(_, plan()), Step(_, plan())];
        if let Ok(handle) = chain.dispatch().on(&self.jobs).await {
            let promise = |(place, id): (u32, &JobId)| Promise {
                job: *id,
                name: Step::NAME.to_owned(),
                chain: Some(handle.id()),
                place,
                existing: false,
            };
            let jobs = (0..).zip(handle.ids()).map(promise).collect();
            self.history.add(Event::Dispatched { jobs });
            self.promised.extend(handle.ids());
        }
    }

    async fn cancel(&mut self) {
        // Those that were dispatched last may still run.
        let latest = if self.rng.bool() { 3 } else { self.promised.len() };
        let Some(job) = self.rng.choice(self.promised.iter().rev().take(latest)).copied() else { return };
        // Its own failure is no news: whether it took effect is open then.
        drop(cancel(&self.jobs, &self.history, job).await);
    }
}

/// Cancels a job by hand, and writes that down.
pub(super) async fn cancel(jobs: &Jobs, history: &History, job: JobId) -> Result<()> {
    history.add(Event::Cancelling { job });
    let answer = jobs.cancel(job).await?;
    history.add(Event::Cancelled { job, answer: format!("{answer:?}").to_lowercase() });
    Ok(())
}
