use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::JobState;

/// Which jobs count as the same, for how long, and what becomes of the second one.
///
/// The key belongs to the job's own row, so a crash leaves no lock behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unique {
    /// Two jobs of one key are the same job.
    pub key: String,
    /// The job keeps its key while it is in one of these states.
    pub states: UniqueStates,
    /// And no longer than this after it was dispatched; `None` is no limit of time.
    pub window: Option<Duration>,
    /// What becomes of a job whose key another one has.
    pub on_conflict: OnConflict,
}

/// What becomes of a dispatch whose unique key another job has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnConflict {
    /// Nothing is stored, and the handle is that of the job which has the key.
    #[default]
    Skip,
    /// The job that has the key, if it has not begun, takes over what is named here; else as `Skip`.
    Replace {
        /// Its arguments.
        args: bool,
        /// When it is due, but never later than `at_most` after it was first dispatched.
        schedule: bool,
        /// How long replacing its schedule can hold it up; `None` is for ever.
        at_most: Option<Duration>,
    },
    /// The dispatch fails with [`Error::Duplicate`](crate::Error::Duplicate), and nothing of it is stored.
    Error,
}

/// States in which a job keeps its unique key.
///
/// Either until it starts (waiting, scheduled, ready), or through all states in which a job can be before it has ended, and
/// any of the final ones besides. Other sets would leave a gap: a running job goes back to scheduled when it fails, and a key that
/// it gave up meanwhile may be another's by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UniqueStates(u8);

impl UniqueStates {
    /// Until the job is claimed for the first time.
    pub const UNTIL_STARTED: Self = Self(0b0000_0111);
    /// Until the job has ended, however it ends.
    pub const UNTIL_ENDED: Self = Self(0b0000_1111);
    /// Until the job has ended otherwise than by completing; a completed one keeps its key.
    pub const UNLESS_FAILED: Self = Self(0b0001_1111);
    /// In every state, for as long as the job is stored.
    pub const ALWAYS: Self = Self(0b1111_1111);

    /// These states, or `None` where they leave a gap.
    #[must_use]
    pub const fn of(states: &[JobState]) -> Option<Self> {
        let (mut bits, mut at) = (0, 0);
        while at < states.len() {
            bits |= Self::bit(states[at]);
            at += 1;
        }
        let open = Self::UNTIL_ENDED.0;
        if bits == Self::UNTIL_STARTED.0 || bits & open == open { Some(Self(bits)) } else { None }
    }

    /// Whether a job in this state keeps its key.
    #[must_use]
    pub const fn contains(self, state: JobState) -> bool {
        self.0 & Self::bit(state) != 0
    }

    /// The set as a number, a bit for each of [`JobState::ALL`].
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set that [`bits`](Self::bits) gave.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    const fn bit(state: JobState) -> u8 {
        1 << state as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_with_a_gap_is_none() {
        use JobState::{Completed, Ready, Running, Scheduled, Waiting};
        assert_eq!(UniqueStates::of(&[Waiting, Scheduled, Ready]), Some(UniqueStates::UNTIL_STARTED));
        assert_eq!(UniqueStates::of(&[Waiting, Scheduled, Ready, Running]), Some(UniqueStates::UNTIL_ENDED));
        assert_eq!(
            UniqueStates::of(&[Completed, Waiting, Scheduled, Ready, Running]),
            Some(UniqueStates::UNLESS_FAILED)
        );
        assert_eq!(UniqueStates::of(&JobState::ALL), Some(UniqueStates::ALWAYS));
        for gap in [&[][..], &[Ready], &[Ready, Running], &[Waiting, Scheduled, Ready, Completed], &[Running]] {
            assert_eq!(UniqueStates::of(gap), None, "{gap:?}");
        }
    }
}
