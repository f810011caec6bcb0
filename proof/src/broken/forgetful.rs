use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jobwork::store::{Push, Pushed, Store, Stored};
use jobwork::{JobId, Result};

use super::Flaw;

/// Acknowledges every second push of a job by itself before it is stored, and forgets it: `store/sqlite/writer.rs` answers a push only when its
/// commit is on the disk, and `store/postgres/push.rs` when the server has said so.
#[derive(Debug, Default)]
pub struct Forgetful {
    pushes: AtomicU64,
}

/// Larger than any number of a job that is stored.
const NUMBERS: u64 = 1 << 40;

#[async_trait]
impl Flaw for Forgetful {
    async fn push(&self, store: &dyn Store, push: Push) -> Result<Stored> {
        let number = self.pushes.fetch_add(1, Ordering::Relaxed);
        if push.jobs.len() != 1 || number.is_multiple_of(2) {
            return store.push(push).await;
        }
        Ok(Stored::new(vec![Pushed::New(JobId::derive(NUMBERS + number, push.now))], Vec::new()))
    }
}
