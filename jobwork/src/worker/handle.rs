use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::report::{StopReason, StopReport};
use super::shared::Shared;
use super::supervisor::Order;
use crate::client::Jobs;
use crate::job::WorkerId;
use crate::store::WorkerState;

/// A running worker, to watch it and to stop it.
///
/// Cheap to clone. Dropping it stops nothing: the worker goes on until it is stopped, or its runtime ends.
#[derive(Clone)]
pub struct WorkerHandle {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
    report: watch::Receiver<Option<StopReport>>,
}

impl WorkerHandle {
    pub(crate) fn new(
        shared: Arc<Shared>,
        orders: mpsc::UnboundedSender<Order>,
        report: watch::Receiver<Option<StopReport>>,
    ) -> Self {
        Self { shared, orders, report }
    }

    /// The worker's id; a fresh one when the store took the worker for dead and it began anew.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.shared.identity.id()
    }

    /// The client of its store.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> WorkerState {
        *self.shared.state.borrow()
    }

    /// What it is doing, as a channel that tells each change.
    #[must_use]
    pub fn watch_state(&self) -> watch::Receiver<WorkerState> {
        self.shared.state.subscribe()
    }

    /// Waits until it is in this state, or has stopped. Cancel safe.
    pub async fn wait_for(&self, state: WorkerState) {
        let mut states = self.watch_state();
        // The sender lives in self, so the wait can't fail.
        let _ = states.wait_for(|now| *now == state || *now == WorkerState::Stopped).await;
    }

    /// How many jobs it is running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.running.count()
    }

    /// How long ago the store last answered a claim, or there was no room to claim: a worker in good health is never
    /// much over its poll interval. Expose it to whatever watches your processes.
    #[must_use]
    pub fn last_claim_age(&self) -> Duration {
        self.shared.health.age()
    }

    /// Claims nothing more, and stays. Prefetched jobs that have not started go back.
    pub fn quiet(&self) {
        self.order(Order::Quiet);
    }

    /// Claims again.
    pub fn resume(&self) {
        self.order(Order::Resume);
    }

    /// Asks it to stop, and returns at once. Running jobs may finish within the shutdown timeout; then they are told, have
    /// their cleanup time, and are handed back.
    pub fn stop(&self) {
        self.order(Order::Stop(StopReason::Asked));
    }

    /// Asks it to stop and to tell the running jobs now, without waiting for the shutdown timeout.
    pub fn stop_now(&self) {
        self.stop();
        self.order(Order::Hurry);
    }

    /// Stops as [`stop`](Self::stop) does, and waits for the end.
    pub async fn stop_and_wait(&self) -> StopReport {
        self.stop();
        self.stopped().await
    }

    /// Waits until it has stopped. Cancel safe.
    pub async fn stopped(&self) -> StopReport {
        let mut report = self.report.clone();
        match report.wait_for(Option::is_some).await.ok().and_then(|report| report.clone()) {
            Some(report) => report,
            // The runtime that the worker itself ran on is gone, and ours is going.
            None => std::future::pending().await,
        }
    }

    fn order(&self, order: Order) {
        // A worker that has stopped obeys no more.
        let _ = self.orders.send(order);
    }
}

impl fmt::Debug for WorkerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle").field("id", &self.id()).field("state", &self.state()).finish_non_exhaustive()
    }
}
