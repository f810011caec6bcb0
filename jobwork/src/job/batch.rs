use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BatchId, JobId};

/// A batch as it is dispatched: jobs that are followed as one, and the jobs that are called back.
///
/// The callbacks are jobs of the same push, which wait until the batch lets them go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewBatch {
    /// What it is, for people.
    pub description: String,
    /// The batch that this one is a member of.
    pub parent: Option<BatchPlace>,
    /// The index, in the push, of the job that is let go when each member has run once.
    pub on_complete: Option<usize>,
    /// The index, in the push, of the job that is let go when all members have succeeded.
    pub on_success: Option<usize>,
    /// The index, in the push, of the job that is let go when the first member is dead, and cancelled when all have succeeded.
    pub on_death: Option<usize>,
}

/// The batch that a new job or batch becomes a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchPlace {
    /// The batch of this index in the same push; for a batch, one before it.
    New(usize),
    /// A batch that is stored already and still open: not all of its members have ended.
    Stored(BatchId),
}

impl NewBatch {
    /// A batch without callbacks.
    #[must_use]
    pub fn new(description: impl Into<String>) -> Self {
        Self { description: description.into(), ..Self::default() }
    }

    /// The indexes of its callbacks, in the push.
    pub(crate) fn callbacks(&self) -> impl Iterator<Item = usize> {
        [self.on_complete, self.on_success, self.on_death].into_iter().flatten()
    }
}

/// A batch as it is stored. A batch that is a member of this one is counted as one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchRecord {
    /// The batch.
    pub id: BatchId,
    /// What it is, for people.
    pub description: String,
    /// The batch that it is a member of.
    pub parent: Option<BatchId>,
    /// How many members it has, or had: deleted ones are counted too.
    pub total: u64,
    /// Members that have not run once, nor ended.
    pub pending: u64,
    /// Members that have not ended.
    pub open: u64,
    /// Members that have succeeded.
    pub completed: u64,
    /// Members that are dead, and batches with a dead member.
    pub dead: u64,
    /// Members that were cancelled, discarded or deleted before they succeeded, and batches with such a member.
    pub cancelled: u64,
    /// The job that is called back when each member has run once.
    pub on_complete: Option<JobId>,
    /// The job that is called back when all members have succeeded.
    pub on_success: Option<JobId>,
    /// The job that is called back when the first member is dead.
    pub on_death: Option<JobId>,
    /// When it was dispatched.
    pub created_at: Timestamp,
    /// When each member had run once, and the complete callback was let go.
    pub completed_at: Option<Timestamp>,
    /// When all members had succeeded, and the success callback was let go.
    pub succeeded_at: Option<Timestamp>,
    /// When the first member was dead, and the death callback was let go.
    pub died_at: Option<Timestamp>,
    /// When the last member ended. Until then the batch is open: members can be added.
    pub finished_at: Option<Timestamp>,
}

impl BatchRecord {
    /// A record of a batch without members; a store fills in the rest.
    #[must_use]
    pub fn new(id: BatchId, description: String, created_at: Timestamp) -> Self {
        Self {
            id,
            description,
            parent: None,
            total: 0,
            pending: 0,
            open: 0,
            completed: 0,
            dead: 0,
            cancelled: 0,
            on_complete: None,
            on_success: None,
            on_death: None,
            created_at,
            completed_at: None,
            succeeded_at: None,
            died_at: None,
            finished_at: None,
        }
    }
}
