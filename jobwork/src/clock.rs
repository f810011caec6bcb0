use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Where the time of day comes from; every store call that depends on time is given it.
///
/// The system's by default. Tests put their own in, and then nothing has to wait for time to pass.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that follows tokio's, paused when tokio's is (`#[tokio::test(start_paused = true)]`).
    ///
    /// # Panics
    /// Reading the clock panics where tokio's clock can't be read; so it never does inside a runtime.
    #[must_use]
    pub fn tokio() -> Self {
        let start = (Timestamp::now(), tokio::time::Instant::now());
        Self(Arc::new(move || after(start.0, start.1.elapsed())))
    }

    /// A clock that asks `now`.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// `wait` after `time`, or the end of the calendar where that comes first.
pub(crate) fn after(time: Timestamp, wait: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(wait).ok().and_then(|wait| time.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

/// How long from `now` until `then`; zero when it has passed.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
