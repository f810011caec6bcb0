use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one job, in every store and for ever.
///
/// Written as a UUID. A store that numbers its rows derives the id from the row's number and the time of dispatch
/// (a version 8 UUID), so an id leads to its row without a second index, and ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

/// The largest row number that fits into a [`JobId`].
const MAX_SEQ: u64 = (1 << 62) - 1;

impl JobId {
    /// The id of the row numbered `seq` that was dispatched at `at` (kept to the millisecond).
    ///
    /// # Panics
    /// When `seq` needs more than 62 bits, which no store can reach by counting.
    #[must_use]
    pub fn derive(seq: u64, at: Timestamp) -> Self {
        assert!(seq <= MAX_SEQ, "a row number has at most 62 bits");
        let millis = at.as_millisecond().max(0) as u64;
        let high = u128::from(millis & 0xffff_ffff_ffff) << 80;
        let bytes = (high | u128::from(seq)).to_be_bytes();
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The row number and the time of dispatch in milliseconds that [`derive`](Self::derive) put in,
    /// or `None` for an id that was not derived.
    #[must_use]
    pub fn parts(self) -> Option<(u64, i64)> {
        if self.0.get_version_num() != 8 {
            return None;
        }
        let bits = self.0.as_u128();
        let seq = bits as u64 & MAX_SEQ;
        Some((seq, (bits >> 80) as i64))
    }

    /// The id as a UUID.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for JobId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Names one batch of jobs, derived from its row as a [`JobId`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(Uuid);

impl BatchId {
    /// The id of the batch numbered `seq` that was dispatched at `at` (kept to the millisecond).
    ///
    /// # Panics
    /// As [`JobId::derive`].
    #[must_use]
    pub fn derive(seq: u64, at: Timestamp) -> Self {
        Self(JobId::derive(seq, at).0)
    }

    /// The number and the time in milliseconds that [`derive`](Self::derive) put in, or `None` for an id that was not derived.
    #[must_use]
    pub fn parts(self) -> Option<(u64, i64)> {
        JobId(self.0).parts()
    }

    /// The id as a UUID.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for BatchId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for BatchId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Names one start of one worker.
///
/// Fresh per start: an id made of host and process number comes back after a restart in a container, and then
/// nobody can tell a dead worker from its successor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(Uuid);

impl WorkerId {
    /// An id that no worker had before.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id as a UUID.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for WorkerId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for WorkerId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_leads_back_to_its_row() {
        let at = Timestamp::from_millisecond(1_790_000_000_123).unwrap();
        for seq in [0, 1, 77, MAX_SEQ] {
            let id = JobId::derive(seq, at);
            assert_eq!(id.parts(), Some((seq, 1_790_000_000_123)));
            assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        }
    }

    #[test]
    fn derived_ids_sort_by_time_then_by_row() {
        let earlier = Timestamp::from_millisecond(1_000).unwrap();
        let later = Timestamp::from_millisecond(2_000).unwrap();
        assert!(JobId::derive(9, earlier) < JobId::derive(1, later));
        assert!(JobId::derive(1, later) < JobId::derive(2, later));
    }

    #[test]
    fn a_foreign_uuid_has_no_parts() {
        assert_eq!(JobId::from(Uuid::new_v4()).parts(), None);
    }
}
