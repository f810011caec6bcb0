use std::sync::Arc;

use async_trait::async_trait;
use jobwork::store::{Settled, Store};
use jobwork::{Finished, Outcome, Result};

use super::Flaw;

/// Stores a job that was cancelled as one that ended itself: which state an outcome makes stands in `apply` in `store/memory/outcomes.rs`, and in
/// `store/sqlite/finish.rs` and `finish.sql`.
#[derive(Debug, Default)]
pub struct WrongState;

#[async_trait]
impl Flaw for WrongState {
    async fn finish(&self, store: &dyn Store, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        let outcome = |outcome: &Outcome| match outcome {
            Outcome::Cancelled { .. } => Outcome::Discarded { why: "cancelled".to_owned() },
            outcome => outcome.clone(),
        };
        let finished =
            finished.iter().map(|finished| Finished { outcome: outcome(&finished.outcome), ..finished.clone() });
        store.finish(finished.collect()).await
    }
}
