use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::JobState;

/// Which jobs count as the same, for how long, and what becomes of the second one.
///
/// The store keeps the key with the job itself, so a crash leaves no lock behind. A job gives its key up in the same write in
/// which it leaves the [`states`](Self::states); at the end of the [`window`](Self::window); and when it is deleted. One that
/// has ended and is retried by hand takes its key again, and isn't retried while another job has it.
///
/// A member of a chain, or any job that others of its dispatch wait for, can't be replaced by an existing one: where its key is
/// taken, the whole dispatch fails with [`Error::Duplicate`](crate::Error::Duplicate), whatever
/// [`on_conflict`](Self::on_conflict) says.
///
/// ```
/// use std::time::Duration;
/// use jobwork::{OnConflict, Unique, UniqueStates};
///
/// let nightly = Unique::new("report 2026-07-01").states(UniqueStates::UNLESS_FAILED).window(Duration::from_secs(86_400));
/// assert_eq!(nightly.on_conflict, OnConflict::Skip);
/// assert_eq!(Unique::debounce("reindex 7").states, UniqueStates::UNTIL_STARTED);
/// ```
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

impl Unique {
    /// Unique by this key until the job has ended, however it ends; another dispatch of the key is skipped.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        let (states, on_conflict) = (UniqueStates::UNTIL_ENDED, OnConflict::Skip);
        Self { key: key.into(), states, window: None, on_conflict }
    }

    /// One job for all dispatches of this key before it starts: each later one replaces its arguments and puts off its start.
    ///
    /// How long each dispatch puts it off is the dispatch's own delay: [`JobOptions::delay`](super::JobOptions::delay) for
    /// every dispatch of a job, [`Dispatch::debounce`](crate::Dispatch::debounce) for one. A dispatch without a delay makes it
    /// due at once. Name a longest time with [`at_most`](Self::at_most), or a key that never rests is never performed.
    #[must_use]
    pub fn debounce(key: impl Into<String>) -> Self {
        let replace = OnConflict::Replace { args: true, schedule: true, at_most: None };
        Self::new(key).states(UniqueStates::UNTIL_STARTED).on_conflict(replace)
    }

    /// At most one job of this key in each window of time, which begins with the dispatch of the first; others are skipped,
    /// also when the first has ended by then.
    #[must_use]
    pub fn throttle(key: impl Into<String>, window: Duration) -> Self {
        Self::new(key).states(UniqueStates::ALWAYS).window(window)
    }

    /// The job keeps its key while it is in one of these states.
    #[must_use]
    pub fn states(mut self, states: UniqueStates) -> Self {
        self.states = states;
        self
    }

    /// The job keeps its key no longer than this after it was dispatched.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// What becomes of a job whose key another one has.
    #[must_use]
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// Where the schedule of the first job is replaced: it never becomes later than this after its dispatch.
    #[must_use]
    pub fn at_most(mut self, longest: Duration) -> Self {
        if let OnConflict::Replace { at_most, .. } = &mut self.on_conflict {
            *at_most = Some(longest);
        }
        self
    }
}

/// What becomes of a dispatch whose unique key another job has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnConflict {
    /// Nothing is stored, and the handle is that of the job which has the key.
    #[default]
    Skip,
    /// The job that has the key takes over what is named here, if it isn't running and has not ended, and is of the same name;
    /// else as `Skip`. One that waits for its next attempt takes it over too.
    Replace {
        /// Its arguments, with their version.
        args: bool,
        /// When it is due, expires and is no longer retried; but it never becomes due later than `at_most` after it was
        /// first dispatched.
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

    /// The bit of one state.
    pub(crate) const fn bit(state: JobState) -> u8 {
        1 << state as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_forms_are_what_they_say() {
        let debounce = Unique::debounce("k").at_most(Duration::from_secs(9));
        let at_most = Some(Duration::from_secs(9));
        assert_eq!(debounce.on_conflict, OnConflict::Replace { args: true, schedule: true, at_most });
        let throttle = Unique::throttle("k", Duration::from_secs(9)).at_most(Duration::ZERO);
        let (states, window, on_conflict) = (UniqueStates::ALWAYS, at_most, OnConflict::Skip);
        assert_eq!(throttle, Unique { key: "k".to_owned(), states, window, on_conflict });
    }

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
