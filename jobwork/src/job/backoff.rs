use std::fmt;
use std::time::Duration;

use super::JobError;

/// How long a failed job waits before its next attempt.
///
/// Every wait gets jitter on top: up to a tenth of itself, so that jobs which failed together don't come back together.
///
/// ```
/// use std::time::Duration;
/// use jobwork::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(60));
/// assert_eq!(backoff.base(1), Duration::from_secs(1));
/// assert_eq!(backoff.base(4), Duration::from_secs(8));
/// assert_eq!(backoff.base(40), Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum Backoff {
    /// `attempt⁴ + 15` seconds, as Sidekiq does: a quarter of a minute at first, about a day at attempt 17.
    #[default]
    Polynomial,
    /// Always the same.
    Fixed(Duration),
    /// Doubles from the first to the second, and stays there.
    Exponential(Duration, Duration),
    /// One wait per attempt; the last one repeats.
    List(&'static [Duration]),
    /// Whatever the function says for the attempt that failed (from 1) and its error.
    Custom(fn(u32, &JobError) -> Duration),
}

/// Longer waits are cut to this, so that no exponent can reach past the calendar.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Backoff {
    /// Doubles from `first` up to `last`.
    #[must_use]
    pub const fn exponential(first: Duration, last: Duration) -> Self {
        Self::Exponential(first, last)
    }

    /// The wait after `attempt` (from 1) without jitter; for [`Custom`](Self::Custom), which needs the error, zero.
    #[must_use]
    pub fn base(&self, attempt: u32) -> Duration {
        let wait = match *self {
            Self::Polynomial => Duration::from_secs(u64::from(attempt).saturating_pow(4).saturating_add(15)),
            Self::Fixed(wait) => wait,
            Self::Exponential(first, last) => {
                let factor = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
                first.saturating_mul(factor).min(last)
            }
            Self::List(waits) => {
                let index = attempt.saturating_sub(1) as usize;
                waits.get(index).or(waits.last()).copied().unwrap_or_default()
            }
            Self::Custom(_) => Duration::ZERO,
        };
        wait.min(LONGEST)
    }

    /// The wait after `attempt` (from 1) failed with `error`; `jitter` is a number from 0 to 1.
    #[must_use]
    pub fn wait(&self, attempt: u32, error: &JobError, jitter: f64) -> Duration {
        let base = match self {
            Self::Custom(wait) => wait(attempt, error).min(LONGEST),
            other => other.base(attempt),
        };
        // What is no number is none.
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        base + base.mul_f64(0.1 * jitter)
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polynomial => f.write_str("Polynomial"),
            Self::Fixed(wait) => write!(f, "Fixed({wait:?})"),
            Self::Exponential(first, last) => write!(f, "Exponential({first:?}..{last:?})"),
            Self::List(waits) => write!(f, "List({waits:?})"),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_default_grows_like_sidekiqs() {
        let waits: Vec<u64> = [1, 2, 10].map(|attempt| Backoff::default().base(attempt).as_secs()).to_vec();
        assert_eq!(waits, [16, 31, 10_015]);
    }

    #[test]
    fn a_list_repeats_its_last_wait_and_an_empty_one_waits_not_at_all() {
        let list = Backoff::List(const { &[SECOND, Duration::from_secs(10)] });
        assert_eq!([1, 2, 3].map(|attempt| list.base(attempt).as_secs()), [1, 10, 10]);
        assert_eq!(Backoff::List(&[]).base(1), Duration::ZERO);
    }

    #[test]
    fn no_attempt_overflows() {
        for backoff in [Backoff::Polynomial, Backoff::exponential(SECOND, Duration::MAX)] {
            assert!(backoff.base(u32::MAX) <= LONGEST);
        }
    }

    #[test]
    fn jitter_adds_at_most_a_tenth() {
        let error = JobError::new("no");
        let backoff = Backoff::Fixed(SECOND);
        assert_eq!(backoff.wait(1, &error, 0.0), SECOND);
        assert_eq!(backoff.wait(1, &error, 1.0), Duration::from_millis(1100));
        assert_eq!(backoff.wait(1, &error, f64::NAN), SECOND);
    }
}
