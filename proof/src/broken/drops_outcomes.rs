use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jobwork::store::{Settled, Store};
use jobwork::{Finished, Outcome, Result};

use super::Flaw;

/// A settler that takes the first success for written which is not: `Settler::write` in `worker/settler.rs` asks a store that fails again, until the
/// worker's end.
#[derive(Debug, Default)]
pub struct DropsOutcomes {
    dropped: AtomicBool,
}

#[async_trait]
impl Flaw for DropsOutcomes {
    async fn finish(&self, store: &dyn Store, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        let is_success = |finished: &Finished| matches!(finished.outcome, Outcome::Completed { .. });
        let dropped =
            finished.iter().position(|finished| is_success(finished) && !self.dropped.swap(true, Ordering::Relaxed));
        let Some(dropped) = dropped else { return store.finish(finished).await };
        let mut kept = finished.to_vec();
        kept.remove(dropped);
        let mut settled = store.finish(kept.into()).await?;
        settled.insert(dropped, Settled::Stored);
        Ok(settled)
    }
}
