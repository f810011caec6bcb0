use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::by_id::JobIds;
use crate::job::{Finished, JobId, Lease, Outcome};
use crate::store::{Settled, Store};

/// So many outcomes may wait to be written before jobs have to wait with theirs.
const BACKLOG: usize = 10_000;

/// So many outcomes are written at once.
const BATCH: usize = 1_000;

/// Takes the outcomes of jobs, for the [`Settler`] to write.
#[derive(Clone, Debug)]
pub(crate) struct Outcomes {
    sender: mpsc::Sender<Entry>,
    tally: Arc<Mutex<Tally>>,
}

/// What has been written so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) completed: u64,
    pub(crate) handed_back: Vec<JobId>,
    /// Jobs on their way back that the worker gives up while it works on: no part of how it ends.
    pub(crate) let_go: JobIds,
    /// Outcomes that were handed in and not yet written.
    pub(crate) pending: JobIds,
}

/// An outcome on its way to the store, or a mark behind all that came before it.
#[derive(Debug)]
struct Entry {
    finished: Option<Finished>,
    written: Option<oneshot::Sender<()>>,
}

/// Writes outcomes to the store, as many at once as are waiting. It outlives the jobs, and never gives an outcome up:
/// a store that fails is asked again until the worker's end.
#[derive(Debug)]
pub(crate) struct Settler {
    store: Arc<dyn Store>,
    receiver: mpsc::Receiver<Entry>,
    tally: Arc<Mutex<Tally>>,
}

pub(crate) fn channel(store: Arc<dyn Store>) -> (Outcomes, Settler) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let tally = Arc::default();
    (Outcomes { sender, tally: Arc::clone(&tally) }, Settler { store, receiver, tally })
}

impl Outcomes {
    /// Hands an outcome in. Waits only while the backlog is full.
    pub(crate) async fn send(&self, finished: Finished) {
        if let Some(room) = self.enter(Entry { finished: Some(finished), written: None }) {
            room.await;
        }
    }

    /// Hands an outcome in and waits until it is written, or was found to come too late.
    pub(crate) async fn send_and_wait(&self, finished: Finished) {
        let (written, wait) = oneshot::channel();
        if let Some(room) = self.enter(Entry { finished: Some(finished), written: Some(written) }) {
            room.await;
        }
        // Dropped unwritten only when the worker's end came first.
        let _ = wait.await;
    }

    /// Waits until every outcome that was handed in before is written.
    pub(crate) async fn flush(&self) {
        let (written, wait) = oneshot::channel();
        if let Some(room) = self.enter(Entry { finished: None, written: Some(written) }) {
            room.await;
        }
        let _ = wait.await;
    }

    /// Hands an outcome in from a place that can't wait; lost when the backlog is full, and rescued then.
    pub(crate) fn send_now(&self, finished: Finished) {
        self.tally().pending.insert(finished.lease.job);
        let entry = Entry { finished: Some(finished), written: None };
        if let Err(error) = self.sender.try_send(entry) {
            tracing::warn!(%error, "an outcome could not be handed in; its job will be rescued");
        }
    }

    /// Hands an entry in at once, or else returns the wait for room in the backlog: in a box, so that attempts don't carry
    /// the room for a wait that is rare.
    fn enter(&self, entry: Entry) -> Option<Pin<Box<dyn Future<Output = ()> + Send + '_>>> {
        if let Some(finished) = &entry.finished {
            self.tally().pending.insert(finished.lease.job);
        }
        match self.sender.try_send(entry) {
            Ok(()) => None,
            Err(TrySendError::Closed(_)) => {
                too_late();
                None
            }
            Err(TrySendError::Full(entry)) => Some(Box::pin(async move {
                if self.sender.send(entry).await.is_err() {
                    too_late();
                }
            })),
        }
    }

    /// What has been written so far.
    pub(crate) fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_late() {
    tracing::warn!("an outcome came after the worker's end; its job will be rescued");
}

impl Settler {
    /// Writes until nobody can hand in any more outcomes.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::new();
        while self.receiver.recv_many(&mut batch, BATCH).await > 0 {
            let (mut finished, mut written) = (Vec::with_capacity(batch.len()), Vec::new());
            for entry in batch.drain(..) {
                finished.extend(entry.finished);
                written.extend(entry.written);
            }
            let finished: Arc<[Finished]> = finished.into();
            let settled = if finished.is_empty() { Vec::new() } else { self.write(&finished).await };
            self.count(&finished, &settled);
            written.into_iter().for_each(|written| {
                // Whoever waited may have gone.
                let _ = written.send(());
            });
        }
    }

    async fn write(&self, finished: &Arc<[Finished]>) -> Vec<Settled> {
        let mut pause = Duration::from_millis(50);
        loop {
            match self.store.finish(Arc::clone(finished)).await {
                Ok(settled) => return settled,
                Err(error) => {
                    tracing::error!(%error, outcomes = finished.len(), "can't write outcomes; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            }
        }
    }

    fn count(&self, finished: &[Finished], settled: &[Settled]) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        for (finished, settled) in finished.iter().zip(settled) {
            tally.pending.remove(&finished.lease.job);
            match (settled, &finished.outcome) {
                (Settled::Lost, _) => lost(finished.lease),
                (Settled::Stored, Outcome::Completed { .. }) => tally.completed += 1,
                (Settled::Stored, Outcome::Unstarted) if tally.let_go.remove(&finished.lease.job) => {}
                (Settled::Stored, Outcome::HandedBack { .. } | Outcome::Unstarted) => {
                    tally.handed_back.push(finished.lease.job);
                }
                (Settled::Stored, _) => {}
            }
        }
    }
}

fn lost(lease: Lease) {
    let Lease { job, attempt, .. } = lease;
    tracing::warn!(%job, attempt, "an outcome came too late: the job belongs to another worker by now");
}
