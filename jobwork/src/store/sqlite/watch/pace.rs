//! How soon a write is followed by looks: at once where few come, and every few milliseconds where many do.

use std::time::{Duration, Instant};

/// So many writes in a row are followed at once.
const BURST: u32 = 4;

/// So much is looked at, and no more.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time that one write takes of what there is.
    every: Duration,
    /// When there is as much as there can be.
    full: Instant,
}

impl Pace {
    /// One write in this time, and a few at once.
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { every, full: now }
    }

    /// Takes a write from what there is, and returns how long to wait before it is followed.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        self.full = self.full.max(now) + self.every;
        (self.full - now).saturating_sub(self.every * BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(4);

    #[test]
    fn many_writes_are_followed_one_after_another_and_a_few_at_once() {
        let now = Instant::now();
        let mut pace = Pace::new(EVERY, now);
        assert!((0..BURST).all(|_| pace.take(now).is_zero()));
        assert_eq!((pace.take(now), pace.take(now)), (EVERY, EVERY * 2));
        assert_eq!(pace.take(now + EVERY * 2), EVERY, "each is followed in its time");
    }

    #[test]
    fn a_quiet_time_is_saved_for_a_few_writes_and_no_more() {
        let now = Instant::now();
        let mut pace = Pace::new(EVERY, now);
        assert!((0..10).map(|_| pace.take(now)).max() > Some(EVERY));
        let later = now + EVERY * 100;
        assert!((0..BURST).all(|_| pace.take(later).is_zero()));
        assert_eq!(pace.take(later), EVERY);
    }
}
