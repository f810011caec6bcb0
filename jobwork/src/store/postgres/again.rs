//! What nobody waits for is tried again until it is done.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::failure::Failed;
use super::server::Server;

/// The pause after it failed, which doubles.
const SOON: Duration = Duration::from_millis(50);

/// The longest such pause.
const LATEST: Duration = Duration::from_secs(1);

/// Does `work` again and again until it is done, or the store is not used any more, whose workers have left then.
pub(super) async fn until_done<F>(server: Weak<Server>, what: &'static str, work: fn(Arc<Server>) -> F)
where
    F: Future<Output = Result<(), Failed>>,
{
    let mut pause = SOON;
    while let Some(server) = server.upgrade() {
        let Err(failed) = work(server).await else { return };
        tracing::debug!(error = failed.problem(), "{what} can't be given back; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATEST);
    }
}
