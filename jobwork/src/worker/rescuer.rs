use std::sync::Arc;
use std::time::Duration;

use super::failure;
use super::shared::Shared;
use crate::clock::until;
use crate::store::{Rescue, Upkeep};

/// How often each worker looks for dead ones, and for jobs whose time is over.
const EVERY: Duration = Duration::from_millis(500);

/// By then, every worker that woke together with this one has beaten.
const WAKING: Duration = Duration::from_secs(2);

/// So many expired jobs are ended in one call, so that claims come in between, and so many calls follow one another.
const EXPIRED: (usize, usize) = (500, 20);

/// Looks for dead workers and makes their jobs ready again, and ends what has expired, until it is dropped. Every worker does it: the store sees
/// to it that a job is rescued once, so nobody has to be elected.
pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(upkeep) = shared.store.upkeep() else { return };
    let mut looked = shared.clock.now();
    loop {
        if until(shared.clock.now(), looked) > EVERY + shared.config.lease / 3 {
            // The process was stopped, its machine slept, or the store's file was locked: leases have run out in the
            // meantime that their owners, this worker among them, are about to renew.
            tokio::time::sleep(WAKING).await;
        }
        looked = shared.clock.now();
        let rescue = Rescue { poison_after: shared.config.poison_after, now: looked };
        match upkeep.rescue(rescue).await {
            Ok(rescued) if rescued.is_empty() => {}
            Ok(rescued) => {
                tracing::warn!(jobs = rescued.len(), "rescued the jobs of a dead worker");
                // User code is called where the jobs run, so that it can't keep anybody from being rescued.
                shared.runtime.spawn(failure::tell_of_poison(Arc::clone(&shared), rescued));
            }
            Err(error) => tracing::error!(%error, "can't look for dead workers; trying again"),
        }
        expire(&shared, upkeep).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Ends jobs that have expired: those that nobody claims, because they wait, are scheduled, or are in a queue without workers.
async fn expire(shared: &Shared, upkeep: &dyn Upkeep) {
    let (at_once, calls) = EXPIRED;
    for _ in 0..calls {
        match upkeep.expire(shared.clock.now(), at_once).await {
            Ok(expired) => {
                if expired > 0 {
                    tracing::info!(jobs = expired, "discarded jobs that have expired");
                }
                if expired < at_once {
                    return;
                }
            }
            Err(error) => return tracing::error!(%error, "can't end jobs that have expired; trying again"),
        }
    }
}
