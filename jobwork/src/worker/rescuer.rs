use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use crate::store::Rescue;

/// How often each worker looks for dead ones.
const EVERY: Duration = Duration::from_millis(500);

/// Looks for dead workers and makes their jobs ready again, until it is dropped. Every worker does it: the store sees
/// to it that a job is rescued once, so nobody has to be elected.
pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(upkeep) = shared.store.upkeep() else { return };
    loop {
        let rescue = Rescue { poison_after: shared.config.poison_after, now: shared.clock.now() };
        match upkeep.rescue(rescue).await {
            Ok(rescued) if rescued.is_empty() => {}
            Ok(rescued) => tracing::warn!(jobs = rescued.len(), "rescued the jobs of a dead worker"),
            Err(error) => tracing::error!(%error, "can't look for dead workers; trying again"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
