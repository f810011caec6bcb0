use std::time::Duration;

use tokio::sync::watch;

/// No test waits longer than this for an event; with a paused clock it passes at once.
const LIMIT: Duration = Duration::from_secs(120);

/// What happened in a test, in order. Jobs push, tests wait. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct Events(watch::Sender<Vec<String>>);

impl Events {
    /// Writes an event down.
    pub fn push(&self, event: impl Into<String>) {
        self.0.send_modify(|log| log.push(event.into()));
    }

    /// Waits until this has happened.
    ///
    /// # Panics
    /// When it does not happen.
    pub async fn wait(&self, event: &str) {
        self.wait_times(event, 1).await;
    }

    /// Waits until this has happened so many times.
    ///
    /// # Panics
    /// When it does not happen.
    pub async fn wait_times(&self, event: &str, times: usize) {
        let mut log = self.0.subscribe();
        let happened = log.wait_for(|log| log.iter().filter(|past| *past == event).count() >= times);
        let happened = tokio::time::timeout(LIMIT, happened).await.map(drop);
        assert!(happened.is_ok(), "`{event}` did not happen {times} times, but {:#?}", self.all());
    }

    /// All that has happened.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// What has happened and begins with one of these.
    #[must_use]
    pub fn of(&self, prefixes: &[&str]) -> Vec<String> {
        self.all().into_iter().filter(|event| prefixes.iter().any(|prefix| event.starts_with(prefix))).collect()
    }

    /// How often this has happened.
    #[must_use]
    pub fn count(&self, event: &str) -> usize {
        self.0.borrow().iter().filter(|past| *past == event).count()
    }

    /// When this happened first, among all events.
    ///
    /// # Panics
    /// When it has not happened.
    #[must_use]
    pub fn at(&self, event: &str) -> usize {
        let position = self.0.borrow().iter().position(|past| past == event);
        position.unwrap_or_else(|| panic!("`{event}` did not happen, but {:#?}", self.all()))
    }

    /// Checks that these happened in this order, each for the first time.
    ///
    /// # Panics
    /// When they did not.
    pub fn assert_order(&self, events: &[&str]) {
        let places: Vec<usize> = events.iter().map(|event| self.at(event)).collect();
        assert!(places.is_sorted(), "expected {events:#?} in this order, not {:#?}", self.all());
    }
}
