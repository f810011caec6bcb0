use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Since when each fetcher has wanted an answer from the store.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Vec<Arc<Look>>>);

/// One fetcher's part in the worker's health: when the store last answered it, or `None` while it has no need to ask.
#[derive(Debug)]
pub(crate) struct Look(Mutex<Option<Instant>>);

impl Health {
    /// A new fetcher's part.
    pub(crate) fn look(&self) -> Arc<Look> {
        let look = Arc::new(Look(Mutex::new(Some(Instant::now()))));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&look));
        look
    }

    /// How long the fetcher that was answered least lately has waited.
    pub(crate) fn age(&self) -> Duration {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.iter().map(|look| look.age()).max().unwrap_or_default()
    }
}

impl Look {
    /// The store has just answered, or is about to be asked again.
    pub(crate) fn touch(&self) {
        self.set(Some(Instant::now()));
    }

    /// There is no need to ask, until the next [`touch`](Self::touch).
    pub(crate) fn rest(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|since| since.elapsed()).unwrap_or_default()
    }
}
