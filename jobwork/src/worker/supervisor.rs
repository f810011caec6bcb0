use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::config::Until;
use super::fetcher::{Fetcher, Gate};
use super::heartbeat::Heartbeat;
use super::noter::{self, Slips};
use super::report::{StopReason, StopReport};
use super::running::Running;
use super::settler::Settler;
use super::shared::Shared;
use super::{pruner, rescuer, signals, start};
use crate::job::{Finished, Outcome};
use crate::perform::CancelReason;
use crate::store::WorkerState;

/// What a worker can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Stop; running jobs may finish within the grace time.
    Stop(StopReason),
    /// Don't wait for the grace time to pass.
    Hurry,
    /// Don't wait for anything.
    Exit,
    /// Claim nothing more, but stay.
    Quiet,
    /// Claim again.
    Resume,
}

/// Outcomes that are not written after this long, when the worker ends, are left to whoever rescues the jobs.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// The tasks of jobs are given this much longer than their cleanup time to write their own outcome.
const SLACK: Duration = Duration::from_millis(500);

/// Starts and stops the parts of a worker, each in its order.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    /// One for each fetcher.
    gates: Vec<watch::Sender<Gate>>,
    orders: mpsc::UnboundedReceiver<Order>,
    /// A sender of orders, for the parts that give some.
    order: mpsc::UnboundedSender<Order>,
    /// How long it works.
    until: Until,
    /// Whether the limits of queues are in the store.
    limited: bool,
    /// The fetchers' tasks, each watched.
    fetching: JoinSet<()>,
}

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
enum Waited {
    Done,
    TimeOut,
    Hurry,
    Exit,
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        gates: Vec<watch::Sender<Gate>>,
        (order, orders): (mpsc::UnboundedSender<Order>, mpsc::UnboundedReceiver<Order>),
        until: Until,
        limited: bool,
    ) -> Self {
        Self { shared, gates, orders, order, until, limited, fetching: JoinSet::new() }
    }

    /// Lives the worker's life, and reports how it ended.
    pub(crate) async fn run(mut self, settler: Settler, slips: Slips, fetchers: Vec<Fetcher>) -> StopReport {
        // Dropped, and with it every part, when the worker's life is over.
        let mut parts = JoinSet::new();
        if self.shared.config.signals == Some(true) {
            match signals::listen(self.order.clone()) {
                Ok(listening) => drop(parts.spawn(listening)),
                Err(error) => tracing::error!(%error, "can't listen to the system's signals"),
            }
        }
        parts.spawn(settler.run());
        parts.spawn(noter::run(Arc::clone(&self.shared), slips));
        let heartbeat = Heartbeat::new(Arc::clone(&self.shared), self.order.clone());
        let mut opening = Gate::Open;
        let (shared, limited) = (Arc::clone(&self.shared), self.limited);
        let join = async {
            heartbeat.join().await;
            if !limited {
                limit_queues(&shared).await;
            }
        };
        let reason = tokio::select! {
            // Whoever is told to stop at the moment it has joined stops by the way of one that works, and knows what it is to hand back.
            biased;
            () = join => None,
            reason = stop_ordered(&mut self.orders, &mut opening) => Some(reason),
        };
        if let Some(reason) = reason {
            return self.end(reason, &heartbeat, None).await;
        }
        let beating = parts.spawn(Heartbeat::new(Arc::clone(&self.shared), self.order.clone()).run());
        parts.spawn(rescuer::run(Arc::clone(&self.shared)));
        // One that comes to work off what there is doesn't see what time brings.
        if cfg!(feature = "cron") && self.until == Until::Stopped {
            #[cfg(feature = "cron")]
            parts.spawn(super::ticker::run(Arc::clone(&self.shared)));
        }
        parts.spawn(pruner::run(Arc::clone(&self.shared)));
        self.begin(fetchers, opening);
        let reason = self.work().await;
        self.end(reason, &heartbeat, Some(beating)).await
    }

    /// Lets the fetchers claim, unless they are to be quiet from the start.
    fn begin(&mut self, fetchers: Vec<Fetcher>, opening: Gate) {
        self.open(Gate::Open, WorkerState::Running);
        if opening == Gate::Quiet {
            self.open(Gate::Quiet, WorkerState::Quiet);
        }
        for fetcher in fetchers {
            // Fetchers start jobs, so they live where the jobs do, and fare as they do.
            let task = self.shared.runtime.spawn(fetcher.run());
            self.fetching.spawn(watch_fetcher(task, self.order.clone()));
        }
    }

    /// Obeys orders until one of them is to stop.
    async fn work(&mut self) -> StopReason {
        loop {
            match self.orders.recv().await {
                Some(Order::Stop(reason)) => return reason,
                Some(Order::Hurry | Order::Exit) | None => return StopReason::Asked,
                Some(Order::Quiet) => self.open(Gate::Quiet, WorkerState::Quiet),
                Some(Order::Resume) => self.open(Gate::Open, WorkerState::Running),
            }
        }
    }

    fn open(&self, gate: Gate, state: WorkerState) {
        // It may be told again what it is doing: `timeout` sends SIGCONT behind each signal.
        if *self.shared.state.borrow() != state {
            tracing::info!(state = state.as_str(), "the worker's state");
        }
        for fetcher in &self.gates {
            fetcher.send_replace(gate);
        }
        self.shared.state.send_replace(state);
    }

    /// Stops, in this order: nothing more is claimed; jobs may finish; jobs are told; what is left is handed back,
    /// and only then dropped; outcomes are written; the worker leaves; the heartbeat, which kept the lease of all
    /// that, ends last.
    async fn end(mut self, reason: StopReason, heartbeat: &Heartbeat, beating: Option<AbortHandle>) -> StopReport {
        let shared = Arc::clone(&self.shared);
        self.open(Gate::Closed, WorkerState::Draining);
        let mut fetching = std::mem::take(&mut self.fetching);
        let done = async {
            // A fetcher that is done has started its last job, and given back what it had claimed ahead.
            while fetching.join_next().await.is_some() {}
            shared.running.drained().await;
        };
        let mut waited = self.wait(done, shared.config.shutdown_timeout, Order::Hurry).await;
        if matches!(waited, Waited::TimeOut | Waited::Hurry) {
            self.open(Gate::Closed, WorkerState::Cancelling);
            let cleanup = shared.running.cancel_all(CancelReason::Shutdown);
            waited = self.wait(shared.running.drained(), cleanup + SLACK, Order::Exit).await;
        }
        let left = if waited == Waited::Done { Vec::new() } else { self.hand_back().await };
        self.wait(shared.outcomes.flush(), FLUSH_LIMIT, Order::Exit).await;
        left.iter().for_each(|running| running.abort());
        let report = self.report(reason);
        // A beat that came after the leave would find the worker gone, and bring it back to life.
        beating.iter().for_each(AbortHandle::abort);
        match tokio::time::timeout(FLUSH_LIMIT, heartbeat.leave()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "can't leave the job store; its lease will run out"),
            Err(_) => tracing::error!("the job store does not answer; the worker's lease will run out"),
        }
        shared.state.send_replace(WorkerState::Stopped);
        report
    }

    /// Waits for something, but not longer than this, and not once it is given the order that cuts this wait short, or
    /// the one to exit.
    async fn wait(&mut self, done: impl Future<Output = ()>, limit: Duration, cut: Order) -> Waited {
        let limit = tokio::time::sleep(limit);
        tokio::pin!(done, limit);
        loop {
            tokio::select! {
                biased;
                () = &mut done => return Waited::Done,
                Some(order) = self.orders.recv() => match order {
                    Order::Exit => return Waited::Exit,
                    order if order == cut => return Waited::Hurry,
                    _ => {}
                },
                () = &mut limit => return Waited::TimeOut,
            }
        }
    }

    /// Hands back every job that nobody has spoken for, and returns them, to be dropped once that is written.
    async fn hand_back(&mut self) -> Vec<Arc<Running>> {
        let taken = self.shared.running.take_all();
        // All at once, so that they share a write.
        let notes: Vec<_> = taken.iter().filter_map(|running| running.job.job().notebook.flush(&running.job)).collect();
        let written = async {
            for note in notes {
                drop(note.await);
            }
        };
        self.wait(written, SLACK, Order::Exit).await;
        for running in &taken {
            let job = &running.job;
            tracing::warn!(name = job.name(), id = %job.id(), "handed back unfinished");
            let outcome = Outcome::HandedBack { failure: None };
            let finished = Finished { lease: running.lease(), outcome, at: self.shared.clock.now() };
            self.shared.outcomes.send(finished).await;
        }
        // Attempts whose error handlers kept them write their outcome now.
        let shared = Arc::clone(&self.shared);
        self.wait(shared.running.drained(), SLACK, Order::Exit).await;
        taken
    }

    fn report(&self, reason: StopReason) -> StopReport {
        let tally = self.shared.outcomes.tally();
        let report = StopReport {
            reason,
            completed: tally.completed,
            handed_back: tally.handed_back.clone(),
            abandoned: tally.pending.iter().copied().collect(),
        };
        let (back, lost) = (report.handed_back.len(), report.abandoned.len());
        tracing::info!(%reason, completed = report.completed, handed_back = back, abandoned = lost, "stopped");
        report
    }
}

/// Limits queues, however long the store takes to answer.
async fn limit_queues(shared: &Shared) {
    while let Err(error) = start::limit_queues(shared).await {
        tracing::error!(%error, "can't limit queues; trying again");
        tokio::time::sleep(shared.config.poll_interval).await;
    }
}

/// Waits for the order to stop, and remembers whether the worker is to begin quiet.
async fn stop_ordered(orders: &mut mpsc::UnboundedReceiver<Order>, opening: &mut Gate) -> StopReason {
    loop {
        match orders.recv().await {
            Some(Order::Stop(reason)) => return reason,
            Some(Order::Hurry | Order::Exit) | None => return StopReason::Asked,
            Some(Order::Quiet) => *opening = Gate::Quiet,
            Some(Order::Resume) => *opening = Gate::Open,
        }
    }
}

/// Stops the worker when a fetcher ends by itself: because its runtime is gone, or by a panic, which is a bug of ours
/// or of the store's and must not leave a worker that lives and does nothing.
async fn watch_fetcher(fetching: tokio::task::JoinHandle<()>, order: mpsc::UnboundedSender<Order>) {
    if let Err(error) = fetching.await {
        tracing::error!(%error, "can't claim any more; the worker stops");
        // Nobody listens any more when the worker has stopped already.
        let _ = order.send(Order::Stop(StopReason::Runtime));
    }
}
