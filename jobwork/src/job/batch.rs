use super::BatchId;

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
    /// The index, in the push, of the job that is let go when the first member is dead.
    pub on_death: Option<usize>,
}

/// The batch that a new job or batch becomes a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchPlace {
    /// The batch of this index in the same push; for a batch, one before it.
    New(usize),
    /// A batch that is stored already and still open.
    Stored(BatchId),
}
