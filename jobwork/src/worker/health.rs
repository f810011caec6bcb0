use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

/// When the worker last got an answer to a claim, or had no room to claim.
#[derive(Debug)]
pub(crate) struct Health(Mutex<Instant>);

impl Health {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// The store has just answered, or there was no need to ask.
    pub(crate) fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(crate) fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
