use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::report::StopReason;
use super::shared::Shared;
use super::supervisor::Order;
use crate::error::Result;
use crate::perform::CancelReason;
use crate::store::{Beat, BeatKind, Command, Signals, Topic, WorkerState};

/// A worker beats this often, and hears of cancels and commands as often even where its store can't wake it.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps the worker's lease, and hears what the worker should know. It waits for nothing but the store.
pub(crate) struct Heartbeat {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Heartbeat {
    pub(crate) fn new(shared: Arc<Shared>, orders: mpsc::UnboundedSender<Order>) -> Self {
        Self { shared, orders }
    }

    /// Makes the worker known, however long the store takes to answer.
    pub(crate) async fn join(&self) {
        let mut pause = Duration::from_millis(50);
        while let Err(error) = self.beat(BeatKind::Join).await {
            tracing::error!(%error, "can't join the job store; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Beats until it is dropped.
    pub(crate) async fn run(self) {
        let mut signals = self.shared.store.wakeups(Topic::Signals);
        let mut ticks = tokio::time::interval(EVERY.min(self.shared.config.lease / 3));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Both lead to a beat.
                biased;
                _ = ticks.tick() => {}
                () = signals.changed() => {}
            }
            match self.beat(BeatKind::Live).await {
                Ok(heard) => self.obey(heard).await,
                Err(error) => tracing::error!(%error, "can't renew the lease; trying again"),
            }
        }
    }

    /// Says that the worker goes.
    pub(crate) async fn leave(&self) -> Result<()> {
        self.beat(BeatKind::Leave).await.map(drop)
    }

    async fn beat(&self, kind: BeatKind) -> Result<Signals> {
        let beat = Beat {
            worker: self.shared.identity.get(),
            kind,
            state: *self.shared.state.borrow(),
            running: self.shared.running.count(),
            lease: self.shared.config.lease,
            now: self.shared.clock.now(),
        };
        self.shared.store.beat(beat).await
    }

    async fn obey(&self, heard: Signals) {
        if heard.gone {
            self.start_over().await;
        }
        for id in heard.cancel {
            self.shared.running.cancel(id, CancelReason::Requested);
        }
        if let Some(command) = heard.command {
            tracing::info!(command = command.as_str(), "an operator's command");
            // Nobody listens any more when the worker has stopped already.
            let _ = self.orders.send(match command {
                Command::Quiet => Order::Quiet,
                Command::Resume => Order::Resume,
                Command::Stop => Order::Stop(StopReason::Told),
            });
        }
    }

    /// The store took the worker for dead, and its jobs have been given to others: lets go of them and begins anew.
    async fn start_over(&self) {
        let lost = self.shared.identity.id();
        tracing::error!(worker = %lost, "the store took this worker for dead; it goes on under a new id");
        let is_over = *self.shared.state.borrow() == WorkerState::Stopped;
        if !is_over {
            // Before its jobs are told: whoever begins one now sees that it is another worker's.
            self.shared.identity.renew();
        }
        self.shared.running.lose(lost);
        if !is_over {
            self.join().await;
        }
    }
}
