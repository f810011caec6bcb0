use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::{Batch, Claim, Store};
use jobwork::{Clock, Finished, Outcome};
use tokio::sync::oneshot;

use super::link::Link;

/// What could not be given back is given back again after this long.
const AGAIN: Duration = Duration::from_millis(50);

/// A claim that waits for jobs to become ready.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) claim: Claim,
    pub(super) heard: oneshot::Sender<Batch>,
    pub(super) clock: Clock,
    pub(super) store: Arc<dyn Store>,
    pub(super) link: Arc<Link>,
}

impl Standing {
    /// Whether nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.heard.is_closed()
    }

    /// Hands over what is ready; returns itself while it gets nothing. The answer comes with the hint, and so no later than that.
    pub(super) async fn serve(self) -> Option<Self> {
        if !self.link.passes_hint() {
            return Some(self);
        }
        let now = self.clock.now();
        let batch = self.store.claim(Claim { now, ..self.claim.clone() }).await.unwrap_or_default();
        if batch.jobs.is_empty() {
            return Some(self);
        }
        let Self { heard, store, link, .. } = self;
        if let Err(unheard) = heard.send(batch) {
            tokio::spawn(async move { give_back(unheard, now, &store, &link).await });
        }
        None
    }
}

/// Gives back what a worker never heard of, as every store does it whose answers can get lost.
pub(super) async fn give_back(batch: Batch, now: Timestamp, store: &Arc<dyn Store>, link: &Arc<Link>) {
    let unstarted = |lease| Finished { lease, outcome: Outcome::Unstarted, at: now };
    let unstarted: Arc<[Finished]> = batch.jobs.iter().map(|job| unstarted(job.lease)).collect();
    while !unstarted.is_empty() {
        let (store, unstarted) = (Arc::clone(store), Arc::clone(&unstarted));
        if link.carry(async move { store.finish(unstarted).await }).await.is_ok() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}
