//! Saying that a wait is long, from a thread beside the one that waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A wait that is this long is told, and again after as long.
const LONG: Duration = Duration::from_secs(10);

/// The thread that tells; dropping this ends it.
#[derive(Debug)]
pub(super) struct LongWait {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Since when the wait lasts, or was told of.
    since: Option<Instant>,
    /// The thread sleeps until a wait begins; else it looks for one by itself before it is long.
    asleep: bool,
    closed: bool,
}

/// A wait, which is over when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Shared);

impl LongWait {
    /// Starts the thread, which costs nothing as long as nobody waits.
    pub(super) fn start(tell: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        Self::start_with(LONG, tell)
    }

    fn start_with(long: Duration, tell: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let seen = Arc::clone(&shared);
        let thread = thread::Builder::new().name("jobwork-turn".to_owned()).spawn(move || seen.watch(long, tell))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Begins a wait.
    pub(super) fn begin(&self) -> Waiting<'_> {
        let mut state = self.shared.state();
        state.since = Some(Instant::now());
        if state.asleep {
            self.shared.changed.notify_one();
        }
        Waiting(&self.shared)
    }

    /// Tells, from any thread, whether somebody waits.
    #[cfg(test)]
    pub(super) fn asked(&self) -> impl Fn() -> bool + use<> {
        let shared = Arc::clone(&self.shared);
        move || shared.state().since.is_some()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().since = None;
    }
}

impl Drop for LongWait {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, long: Duration, tell: impl Fn()) {
        let mut state = self.state();
        while !state.closed {
            let Some(since) = state.since else {
                state.asleep = true;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.asleep = false;
                continue;
            };
            let left = long.saturating_sub(since.elapsed());
            if left.is_zero() {
                tell();
                state.since = Some(Instant::now());
            } else {
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_long_wait_is_told_again_and_again_until_it_is_over() {
        let (sender, told) = mpsc::channel();
        let long_wait = LongWait::start_with(Duration::from_millis(1), move || sender.send(()).unwrap()).unwrap();
        for _ in 0..2 {
            let waiting = long_wait.begin();
            (0..3).for_each(|_| told.recv().unwrap());
            drop(waiting);
            // What was told before it was over; nothing follows.
            told.try_iter().for_each(drop);
            assert!(long_wait.shared.state().since.is_none());
        }
        drop(long_wait);
        assert!(told.recv().is_err());
    }

    #[test]
    fn short_waits_are_not_told_and_wake_nobody_up() {
        let (sender, told) = mpsc::channel();
        let long_wait = LongWait::start_with(Duration::from_secs(3_600), move || sender.send(()).unwrap()).unwrap();
        (0..1_000).for_each(|_| drop(long_wait.begin()));
        drop(long_wait);
        assert!(told.recv().is_err());
    }
}
