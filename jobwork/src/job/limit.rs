use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a job shares with others of the same key: at most so many at once, or so many in a time, over all workers of the store.
///
/// A job over a limit is passed over, and stands in nobody's way. The limit that counts is the one that the job itself was
/// dispatched with, so a new number holds for the jobs dispatched after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Jobs with the same key share the limit.
    pub key: String,
    /// How much of it there is.
    pub rule: LimitRule,
}

/// How much there is of what jobs of one key share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LimitRule {
    /// So many of them run at once.
    Concurrency(u32),
    /// So many of them start in a time.
    Rate(Rate),
}

/// A token bucket: it holds `count` tokens, is full at first, and gains `count` tokens evenly in each `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Tokens that the bucket holds, and gains in each `per`; at least 1.
    pub count: u32,
    /// The time in which it gains them; not zero.
    pub per: Duration,
}

impl Limit {
    /// At most so many jobs of this key run at once.
    #[must_use]
    pub fn concurrency(key: impl Into<String>, count: u32) -> Self {
        Self { key: key.into(), rule: LimitRule::Concurrency(count) }
    }

    /// At most so many jobs of this key start in each `per`, over time; so many may start together.
    #[must_use]
    pub fn rate(key: impl Into<String>, count: u32, per: Duration) -> Self {
        Self { key: key.into(), rule: LimitRule::Rate(Rate { count, per }) }
    }
}
