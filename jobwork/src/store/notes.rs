use std::sync::Arc;

use async_trait::async_trait;

use super::Settled;
use crate::error::Result;
use crate::job::Note;

/// What running jobs say about themselves: their progress, their checkpoints and their log.
///
/// It is kept with the job and goes with it. A retry by hand leaves it, so that a job goes on from its checkpoint;
/// only one that had completed begins anew, without its checkpoint and its progress.
#[async_trait]
pub trait Notes: Send + Sync {
    /// Writes notes, each only if its job is still running under the note's lease. When it returns `Ok`, those that
    /// were stored are on stable storage.
    async fn note(&self, notes: Arc<[Note]>) -> Result<Vec<Settled>>;
}
