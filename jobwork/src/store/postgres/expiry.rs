//! When the next job expires, as far as this process knows, so that an idle worker asks only once for rescues and for expiries.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was heard is believed for this long: another process may have dispatched a job since then that expires sooner.
const BELIEVED: Duration = Duration::from_secs(1);

/// What the server said last of the time at which the first job expires.
#[derive(Debug, Default)]
pub(super) struct NextExpiry(Mutex<Option<(Instant, i64)>>);

impl NextExpiry {
    /// The server has said when; the end of time is never.
    pub(super) fn hear(&self, at: Option<i64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), at.unwrap_or(i64::MAX)));
    }

    /// What was heard may not be so any more.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether no job can have expired by now.
    pub(super) fn is_later(&self, now: i64) -> bool {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|(when, at)| when.elapsed() < BELIEVED && at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_known_before_it_was_heard_or_after_it_was_forgotten() {
        let next = NextExpiry::default();
        assert!(!next.is_later(5));
        next.hear(Some(7));
        assert_eq!([6, 7].map(|now| next.is_later(now)), [true, false]);
        next.hear(None);
        assert!(next.is_later(7));
        next.forget();
        assert!(!next.is_later(5));
    }
}
