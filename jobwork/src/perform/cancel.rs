use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::job::Cancelled;

/// Why a job is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// The worker stops; the job is handed back and runs again elsewhere.
    Shutdown,
    /// Somebody cancelled this job.
    Requested,
    /// The attempt took longer than the job's timeout.
    Timeout,
    /// Another worker owns the job now; whatever this one does no longer counts.
    LeaseLost,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Shutdown => "shutdown",
            Self::Requested => "requested",
            Self::Timeout => "timeout",
            Self::LeaseLost => "lease lost",
        })
    }
}

/// Tells a job that it should stop, and remembers whether the job looked.
///
/// Take it as a parameter of the job; clones share one signal. When it fires, the job has its cleanup time
/// ([`deadline`](Self::deadline)) to put things in order. What is recorded then depends on whether the job saw the
/// signal: a job that returns `Ok` after seeing it is *not* completed, unless it called
/// [`JobContext::finished`](super::JobContext::finished); one that never looked simply completed.
///
/// ```
/// use jobwork::{Cancelled, CancelSignal};
///
/// async fn transcode(pages: Vec<u32>, cancel: CancelSignal) -> Result<u32, Cancelled> {
///     let mut sum = 0;
///     for page in pages {
///         sum += cancel.guard(async { page }).await?; // stops here once told to
///     }
///     Ok(sum)
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_eq!(runtime.block_on(transcode(vec![1, 2], CancelSignal::never())), Ok(3));
/// ```
#[derive(Clone)]
pub struct CancelSignal(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Made for whoever waits first: most jobs end before anybody does.
    token: LazyLock<CancellationToken>,
    fired: OnceLock<Fired>,
    looked: AtomicBool,
    token_taken: AtomicBool,
}

#[derive(Clone, Copy)]
struct Fired {
    reason: CancelReason,
    deadline: Instant,
}

impl CancelSignal {
    /// A signal that nobody fires, for calling a job's function by itself, in a unit test for instance.
    #[must_use]
    pub fn never() -> Self {
        Self::new()
    }

    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner::default()))
    }

    /// Fires the signal, unless it was fired before; says whether it did.
    pub(crate) fn fire(&self, reason: CancelReason, deadline: Instant) -> bool {
        let first = self.0.fired.set(Fired { reason, deadline }).is_ok();
        // The reason is set before the token wakes anybody who would ask for it.
        self.0.token.cancel();
        first
    }

    /// The reason it was fired for, asked by the worker: leaves no trace.
    pub(crate) fn fired(&self) -> Option<CancelReason> {
        self.0.fired.get().map(|fired| fired.reason)
    }

    /// Waits until it is fired, for the worker: leaves no trace.
    pub(crate) async fn until_fired(&self) {
        self.0.token.cancelled().await;
    }

    /// How long the job still has for cleanup, asked by the worker: leaves no trace.
    pub(crate) fn time_left(&self) -> Duration {
        let left = |fired: &Fired| fired.deadline.saturating_duration_since(tokio::time::Instant::now().into_std());
        self.0.fired.get().map(left).unwrap_or_default()
    }

    /// Whether the job saw that the signal had fired. A token that was handed out counts as seen: what a library does
    /// with it can't be watched.
    pub(crate) fn was_seen(&self) -> bool {
        self.0.looked.load(Ordering::Acquire) || (self.fired().is_some() && self.0.token_taken.load(Ordering::Acquire))
    }

    fn see(&self) -> Option<Fired> {
        let fired = self.0.fired.get().copied();
        if fired.is_some() {
            self.0.looked.store(true, Ordering::Release);
        }
        fired
    }

    /// Waits until the job is told to stop, and says why.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) -> CancelReason {
        self.0.token.cancelled().await;
        match self.see() {
            Some(fired) => fired.reason,
            // The token is ours and only `fire` cancels it, after it set the reason.
            None => std::future::pending().await,
        }
    }

    /// Waits like [`cancelled`](Self::cancelled), on a thread that may block.
    ///
    /// # Panics
    /// Outside a tokio runtime, or on one of its async threads.
    #[must_use]
    pub fn cancelled_blocking(&self) -> CancelReason {
        tokio::runtime::Handle::current().block_on(self.cancelled())
    }

    /// Whether the job has been told to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.see().is_some()
    }

    /// Why the job has been told to stop, if it has.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        self.see().map(|fired| fired.reason)
    }

    /// When the job's cleanup time ends, if it has been told to stop.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.see().map(|fired| fired.deadline)
    }

    /// Runs `future` until it is done or the job is told to stop, whichever comes first; then drops it.
    ///
    /// # Errors
    /// [`Cancelled`] when the job was told to stop first. Carry it out of the job with `?`.
    pub async fn guard<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        tokio::select! {
            // What is done is done: a result at hand wins over the signal.
            biased;
            output = future => Ok(output),
            _ = self.cancelled() => Err(Cancelled::new()),
        }
    }

    /// The job's own error for having been told to stop, or `Ok` when it has not: `cancel.check()?` in a loop.
    ///
    /// # Errors
    /// [`Cancelled`] when the job was told to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled::new()) } else { Ok(()) }
    }

    /// The signal as a token, for libraries that take one. A job that took it counts as having seen the signal.
    ///
    /// Cancelling this token stops what the job gave it to, not the job.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.0.token_taken.store(true, Ordering::Release);
        self.0.token.child_token()
    }
}

impl fmt::Debug for CancelSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelSignal").field(&self.fired()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired() -> CancelSignal {
        let signal = CancelSignal::new();
        assert!(signal.fire(CancelReason::Requested, Instant::now()));
        signal
    }

    #[test]
    fn the_first_reason_stays() {
        let signal = fired();
        assert!(!signal.fire(CancelReason::Shutdown, Instant::now()));
        assert_eq!(signal.reason(), Some(CancelReason::Requested));
    }

    #[test]
    fn looking_before_it_fires_is_not_seeing_it() {
        let signal = CancelSignal::new();
        assert!(!signal.is_cancelled());
        signal.fire(CancelReason::Shutdown, Instant::now());
        assert!(!signal.was_seen());
        assert!(signal.is_cancelled());
        assert!(signal.was_seen());
    }

    #[tokio::test]
    async fn every_way_of_looking_is_seeing() {
        let looks: [fn(&CancelSignal) -> bool; 4] = [
            |signal| signal.is_cancelled(),
            |signal| signal.reason().is_some(),
            |signal| signal.deadline().is_some(),
            |signal| signal.check().is_err(),
        ];
        for look in looks {
            let signal = fired();
            assert!(!signal.was_seen() && look(&signal) && signal.was_seen());
        }
        let signal = fired();
        assert_eq!(signal.guard(std::future::pending::<()>()).await, Err(Cancelled::new()));
        assert!(signal.was_seen());
    }

    #[tokio::test]
    async fn a_result_at_hand_wins_and_the_signal_stays_unseen() {
        let signal = fired();
        assert_eq!(signal.guard(async { 7 }).await, Ok(7));
        assert!(!signal.was_seen());
    }

    #[test]
    fn a_token_that_was_taken_counts_as_seen_once_the_signal_fires() {
        let signal = CancelSignal::new();
        let token = signal.token();
        assert!(!signal.was_seen());
        signal.fire(CancelReason::Shutdown, Instant::now());
        assert!(token.is_cancelled() && signal.was_seen());
    }

    #[test]
    fn cancelling_the_token_does_not_fire_the_signal() {
        let signal = CancelSignal::new();
        signal.token().cancel();
        assert!(!signal.is_cancelled());
    }
}
