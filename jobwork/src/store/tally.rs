//! How a batch counts its members: the one rule of all stores that keep counters.

use jiff::Timestamp;

use crate::job::{BatchRecord, JobState};

/// The reason of a death callback that is cancelled.
pub(crate) const NOBODY_DIED: &str = "every member of the batch succeeded";

/// What a member has come to, as bits, each of which its batch counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing(u8);

impl Standing {
    /// It has run once, or will not.
    const RAN: u8 = 1;
    const ENDED: u8 = 2;
    const SUCCEEDED: u8 = 4;
    const DEAD: u8 = 8;
    const CANCELLED: u8 = 16;

    /// From the bits that [`bits`](Self::bits) gave.
    #[cfg(feature = "sqlite")]
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// The standing of a member that had this one, and is now in this state after so many attempts.
    ///
    /// An attempt that was given back is not among them, so that a job which was snoozed, interrupted or rescued has not run.
    pub(crate) fn after(self, state: JobState, attempt: u32) -> Self {
        Self(match state {
            JobState::Completed => Self::RAN | Self::ENDED | Self::SUCCEEDED,
            JobState::Dead => Self::RAN | Self::ENDED | Self::DEAD,
            JobState::Cancelled | JobState::Discarded => Self::RAN | Self::ENDED | Self::CANCELLED,
            // What has run once has done so for good, also when it is retried by hand.
            JobState::Running => self.0 & Self::RAN,
            _ => (self.0 & Self::RAN) | u8::from(attempt > 0),
        })
    }

    /// The standing of a member that is deleted: a success stays one.
    pub(crate) fn deleted(self) -> Self {
        if self.has(Self::SUCCEEDED) { self } else { Self(Self::RAN | Self::ENDED | Self::CANCELLED) }
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// The counters of a batch, and when what they are counted for happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) total: u64,
    pub(crate) ran: u64,
    pub(crate) ended: u64,
    pub(crate) succeeded: u64,
    pub(crate) dead: u64,
    pub(crate) cancelled: u64,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) succeeded_at: Option<Timestamp>,
    pub(crate) died_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

/// What is to be done with the callbacks of a batch after its counters have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The success callback is cancelled.
    pub(crate) spoiled: bool,
    /// The success callback is brought back.
    pub(crate) mended: bool,
    pub(crate) complete: bool,
    pub(crate) success: bool,
    pub(crate) death: bool,
    /// The death callback is cancelled: nobody can die any more.
    pub(crate) spared: bool,
}

impl Tally {
    /// Counts a member that has changed.
    pub(crate) fn change(&mut self, before: Standing, after: Standing, at: Timestamp) -> Turn {
        let was_spoiled = self.cancelled > 0;
        let counters = [
            (Standing::RAN, &mut self.ran),
            (Standing::ENDED, &mut self.ended),
            (Standing::SUCCEEDED, &mut self.succeeded),
            (Standing::DEAD, &mut self.dead),
            (Standing::CANCELLED, &mut self.cancelled),
        ];
        for (bit, counter) in counters {
            // A counter that somebody else has written is wrong already, and no reason to fail.
            *counter = (*counter + u64::from(after.has(bit))).saturating_sub(u64::from(before.has(bit)));
        }
        let is_spoiled = self.cancelled > 0;
        let open = self.succeeded_at.is_none();
        let (spoiled, mended) = (open && is_spoiled && !was_spoiled, open && was_spoiled && !is_spoiled);
        Turn { spoiled, mended, ..self.turn(at) }
    }

    /// What the counters say now: each callback is let go at most once.
    pub(crate) fn turn(&mut self, at: Timestamp) -> Turn {
        self.finished_at = (self.ended == self.total).then(|| self.finished_at.unwrap_or(at));
        let first = |happened: bool, time: &mut Option<Timestamp>| {
            let first = happened && time.is_none();
            *time = if first { Some(at) } else { *time };
            first
        };
        let complete = first(self.ran == self.total, &mut self.completed_at);
        let success = first(self.succeeded == self.total, &mut self.succeeded_at);
        let death = first(self.dead > 0, &mut self.died_at);
        Turn { complete, success, death, spared: success && self.died_at.is_none(), ..Turn::default() }
    }

    /// What the batch has come to as a member of another.
    pub(crate) fn standing(&self) -> Standing {
        let bits = [
            (Standing::RAN, self.completed_at.is_some()),
            (Standing::ENDED, self.finished_at.is_some()),
            (Standing::SUCCEEDED, self.succeeded == self.total),
            (Standing::DEAD, self.dead > 0),
            (Standing::CANCELLED, self.cancelled > 0),
        ];
        Standing(bits.into_iter().filter(|(_, is)| *is).fold(0, |all, (bit, _)| all | bit))
    }

    /// Writes the counters into a record.
    pub(crate) fn report(&self, record: &mut BatchRecord) {
        record.total = self.total;
        record.pending = self.total.saturating_sub(self.ran);
        record.open = self.total.saturating_sub(self.ended);
        record.completed = self.succeeded;
        record.dead = self.dead;
        record.cancelled = self.cancelled;
        record.completed_at = self.completed_at;
        record.succeeded_at = self.succeeded_at;
        record.died_at = self.died_at;
        record.finished_at = self.finished_at;
    }
}
