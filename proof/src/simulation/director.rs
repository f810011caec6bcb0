use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::dispatcher::Dispatcher;
use super::weather::Weather;
use super::worker::Worker;
use super::world::World;
use crate::history::{Event, History};

/// No more workers than this are alive at a time.
const WORKERS: usize = 4;

/// A worker that was told to stop has stopped by then, when the store answers.
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// Decides what happens in a run: workers come and go, and the weather changes.
#[derive(Debug)]
pub(super) struct Director {
    world: Arc<World>,
    history: History,
    rng: Rng,
    workers: Vec<Worker>,
    started: u32,
    /// Those that were told to stop, until they have.
    stopping: JoinSet<()>,
}

impl Director {
    pub(super) fn new(world: Arc<World>, rng: Rng) -> Self {
        let history = world.history.clone();
        Self { world, history, rng, workers: Vec::new(), started: 0, stopping: JoinSet::new() }
    }

    /// Lets dispatchers and workers work in bad weather, and then in good weather until all dispatchers are done.
    pub(super) async fn disturb(&mut self) {
        let mut dispatchers = JoinSet::new();
        for number in 0..self.rng.u32(1..=3) {
            let dispatcher = Dispatcher::new(&self.world, 1_000 + number, self.rng.fork());
            dispatchers.spawn(dispatcher.run(self.rng.usize(4..14)));
        }
        let end = Instant::now() + Duration::from_millis(self.rng.u64(5_000..30_000));
        while Instant::now() < end {
            self.act().await;
            let pause = if self.rng.bool() { self.rng.u64(..100) } else { self.rng.u64(..4_000) };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.calm();
        while dispatchers.join_next().await.is_some() {}
        self.start().await;
    }

    async fn act(&mut self) {
        match self.rng.u8(..10) {
            0..=2 => self.change_weather(),
            3..=5 if self.workers.len() < WORKERS => self.start().await,
            6 => self.kill(),
            7 => self.stall(),
            8 => self.stop(),
            _ => self.quiet(),
        }
    }

    fn fault(&self, what: String) {
        self.history.add(Event::Fault { what });
    }

    fn change_weather(&mut self) {
        let weather = Weather::draw(&mut self.rng);
        self.fault(format!("the weather is {weather:?} now"));
        self.world.sky.set(weather);
    }

    fn calm(&mut self) {
        self.fault("nothing is disturbed from now on".to_owned());
        self.world.sky.set(Weather::Calm);
        self.workers.iter().for_each(|worker| worker.handle.resume());
    }

    async fn start(&mut self) {
        self.started += 1;
        let worker = Worker::start(&self.world, self.started, self.rng.fork()).await;
        self.fault(format!("worker {} starts", worker.number));
        self.workers.push(worker);
    }

    /// One of the workers, if there is any.
    fn pick(&mut self) -> Option<usize> {
        (!self.workers.is_empty()).then(|| self.rng.usize(..self.workers.len()))
    }

    fn kill(&mut self) {
        let Some(index) = self.pick() else { return };
        let worker = self.workers.swap_remove(index);
        self.fault(format!("worker {} is killed", worker.number));
        worker.kill();
    }

    /// Often for longer than its lease.
    fn stall(&mut self) {
        let Some(index) = self.pick() else { return };
        let time = self.world.lease.mul_f64(3.0 * self.rng.f64());
        self.fault(format!("worker {} is held up for {time:?}", self.workers[index].number));
        self.workers[index].stall(time);
    }

    fn stop(&mut self) {
        let Some(index) = self.pick() else { return };
        let worker = self.workers.swap_remove(index);
        let now = self.rng.bool();
        self.fault(format!("worker {} is told to stop{}", worker.number, if now { " now" } else { "" }));
        if now {
            worker.handle.stop_now();
        } else {
            worker.handle.stop();
        }
        let handle = worker.handle;
        self.stopping.spawn(async move { drop(handle.stopped().await) });
    }

    fn quiet(&mut self) {
        let Some(index) = self.pick() else { return };
        if self.rng.bool() {
            self.workers[index].handle.quiet();
        } else {
            self.workers[index].handle.resume();
        }
    }

    /// Stops whoever still works; says whether all of them have stopped in time.
    pub(super) async fn end(mut self) -> bool {
        for worker in std::mem::take(&mut self.workers) {
            self.stopping.spawn(async move { drop(worker.handle.stop_and_wait().await) });
        }
        let stopped = async { while self.stopping.join_next().await.is_some() {} };
        tokio::time::timeout(STOP_LIMIT, stopped).await.is_ok()
    }
}
