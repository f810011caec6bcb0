use super::{Limit, Unique};

/// What a job shares with other jobs: a unique key, limits, a place in an order. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow {
    /// Which other jobs count as the same job.
    pub unique: Option<Unique>,
    /// What it shares with others of a key.
    pub limits: Vec<Limit>,
    /// Jobs of one such key run strictly one after the other, in the order of their dispatch; one that fails or waits holds
    /// up those behind it until it has ended.
    pub ordered: Option<String>,
}

impl Flow {
    /// Makes the job unique.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// Adds a limit.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Puts the job into the order of this key.
    #[must_use]
    pub fn ordered(mut self, key: impl Into<String>) -> Self {
        self.ordered = Some(key.into());
        self
    }
}
