//! Token buckets as arithmetic: all there is to keep of one is the time at which it will be full.

use jiff::Timestamp;

use crate::job::Rate;

/// A bucket, as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    rate: Rate,
    level: Level,
}

/// What is kept of a bucket. That of one which was never used is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// When it will be full again, or was, in nanoseconds since 1970. Every token that is taken puts it off by the time in
    /// which one comes.
    pub(crate) full_at: i64,
    /// When a token was taken last.
    pub(crate) taken_at: i64,
}

/// Whoever waits for tokens that come faster than this looks for several at once.
const QUANTUM: i64 = 20_000_000;

impl Bucket {
    pub(crate) fn new(rate: Rate, level: Option<Level>) -> Self {
        Self { rate, level: level.unwrap_or_default() }
    }

    pub(crate) fn level(self) -> Level {
        self.level
    }

    /// The time in which one token comes. Rounded up, so that never too many come.
    fn interval(self) -> i64 {
        let per = i64::try_from(self.rate.per.as_nanos()).unwrap_or(i64::MAX);
        let count = i64::from(self.rate.count.max(1));
        (per / count).saturating_add(i64::from(per % count > 0)).max(1)
    }

    /// The time in which an empty bucket fills.
    fn fill(self) -> i64 {
        self.interval().saturating_mul(i64::from(self.rate.count.max(1)))
    }

    /// Whole tokens that are in it.
    pub(crate) fn tokens(self, now: Timestamp) -> usize {
        let missing = self.level.full_at.saturating_sub(nanos(now)).max(0);
        usize::try_from(self.fill().saturating_sub(missing).max(0) / self.interval()).unwrap_or(usize::MAX)
    }

    pub(crate) fn take(self, now: Timestamp) -> Self {
        let full_at = self.level.full_at.max(nanos(now)).saturating_add(self.interval());
        Self { level: Level { full_at, taken_at: nanos(now) }, ..self }
    }

    /// With a token again that was taken at this time, unless others were taken after it: the bucket may have been full
    /// before they were, and would hold too much.
    pub(crate) fn give_back(self, taken: Timestamp) -> Self {
        // Stores keep milliseconds of when a job was claimed.
        if taken.as_millisecond() < self.level.taken_at / 1_000_000 {
            return self;
        }
        let full_at = self.level.full_at.saturating_sub(self.interval());
        Self { level: Level { full_at, ..self.level }, ..self }
    }

    /// Empty, and the next token comes at `until`, unless it comes even later.
    pub(crate) fn drain(self, until: Timestamp) -> Self {
        let full_at = nanos(until).saturating_add(self.fill().saturating_sub(self.interval()));
        Self { level: Level { full_at: self.level.full_at.max(full_at), taken_at: nanos(until) }, ..self }
    }

    /// When an empty bucket has its first token.
    pub(crate) fn next(self) -> Timestamp {
        timestamp(self.level.full_at.saturating_sub(self.fill()).saturating_add(self.interval()))
    }

    /// When it is worth looking for it: there may be more tokens then, and nobody looks again and again.
    pub(crate) fn look(self, now: Timestamp) -> Timestamp {
        self.next().max(timestamp(nanos(now).saturating_add(QUANTUM).min(self.level.full_at)))
    }
}

fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

/// The first millisecond that is not before this time: stores keep no finer ones.
fn timestamp(nanos: i64) -> Timestamp {
    Timestamp::from_millisecond(nanos.max(0) / 1_000_000 + i64::from(nanos.max(0) % 1_000_000 > 0))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::after;

    const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn at(ms: u64) -> Timestamp {
        after(START, Duration::from_millis(ms))
    }

    fn bucket(count: u32, ms: u64) -> Bucket {
        Bucket::new(Rate { count, per: Duration::from_millis(ms) }, None)
    }

    fn emptied(mut bucket: Bucket) -> Bucket {
        while bucket.tokens(START) > 0 {
            bucket = bucket.take(START);
        }
        bucket
    }

    #[test]
    fn it_is_full_at_first_and_never_holds_more() {
        for count in [1, 3, 7, 1_000] {
            assert_eq!(bucket(count, 1_000).tokens(START), count as usize);
            assert_eq!(emptied(bucket(count, 1_000)).tokens(at(3_600_000)), count as usize);
        }
    }

    #[test]
    fn tokens_come_evenly() {
        let empty = emptied(bucket(4, 1_000));
        let tokens = [249, 250, 499, 500, 999, 1_000, 1_250].map(|ms| empty.tokens(at(ms)));
        assert_eq!(tokens, [0, 1, 1, 2, 3, 4, 4]);
        assert_eq!(empty.next(), at(250));
    }

    #[test]
    fn a_token_given_back_is_there_again() {
        assert_eq!(emptied(bucket(4, 1_000)).give_back(START).tokens(START), 1);
    }

    #[test]
    fn a_token_given_back_after_others_were_taken_is_lost() {
        let used_again = emptied(bucket(2, 1_000)).take(at(5_000));
        assert_eq!(used_again.give_back(START).tokens(at(5_000)), 1);
        assert_eq!(used_again.give_back(at(5_000)).tokens(at(5_000)), 2);
    }

    #[test]
    fn a_drained_bucket_has_its_next_token_at_the_time() {
        let drained = bucket(4, 1_000).drain(at(9_000));
        assert_eq!((drained.tokens(at(8_999)), drained.tokens(at(9_000)), drained.next()), (0, 1, at(9_000)));
    }

    #[test]
    fn fast_tokens_are_looked_for_several_at_once() {
        assert_eq!(emptied(bucket(1_000, 1_000)).look(START), at(20));
        assert_eq!(emptied(bucket(1, 5)).look(START), at(5));
        assert_eq!(emptied(bucket(2, 1_000)).look(START), at(500));
    }
}
