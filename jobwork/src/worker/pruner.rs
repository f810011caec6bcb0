use std::sync::Arc;
use std::time::Duration;

use super::chance::Chance;
use super::shared::Shared;
use crate::store::{Prune, Upkeep};

/// How long a worker rests between two looks for jobs to forget, at most; at least half of it, by chance, so that many
/// workers don't look together.
const REST: Duration = Duration::from_secs(60);

/// So many jobs are forgotten at once,
const STEP: usize = 1_000;

/// and then others have the store for this long.
const PAUSE: Duration = Duration::from_millis(50);

/// Forgets jobs that have been kept long enough, until it is dropped. Every worker does it; what one has deleted, the others
/// don't find.
pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(upkeep) = shared.store.upkeep() else { return };
    let mut chance = Chance::new(shared.config.seed);
    let mut pruned: usize = 0;
    loop {
        let rest = if pruned == STEP { PAUSE } else { REST.div_f64(1.0 + chance.fraction()) };
        tokio::time::sleep(rest).await;
        pruned = prune(&shared, upkeep).await;
    }
}

async fn prune(shared: &Shared, upkeep: &dyn Upkeep) -> usize {
    let retention = Arc::clone(&shared.config.retention);
    match upkeep.prune(Prune { retention, limit: STEP, now: shared.clock.now() }).await {
        Ok(0) => 0,
        Ok(pruned) => {
            tracing::debug!(jobs = pruned, "forgot jobs that have been kept long enough");
            pruned
        }
        Err(error) => {
            tracing::error!(%error, "can't forget old jobs; trying again");
            0
        }
    }
}
