use std::sync::Arc;
use std::time::Duration;

use jobwork::store::{Rescue, Store};
use jobwork::{App, Attempt, Clock, JobId, Jobs, Record};

use crate::{Events, Watched};

/// A store, a client of it, and a log of what happens.
#[derive(Debug)]
pub struct Bench {
    /// What happens.
    pub events: Events,
    /// The store.
    pub store: Arc<Watched>,
    /// Its client, whose clock follows tokio's.
    pub jobs: Jobs,
}

impl Bench {
    /// An empty store.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a bench reads the clock of the runtime it is made in")]
    pub fn new() -> Self {
        let events = Events::default();
        let store = Arc::new(Watched::new(events.clone()));
        let jobs = Jobs::new(store.clone()).with_clock(Clock::tokio());
        Self { events, store, jobs }
    }

    /// An app on the store, on the one runtime of a test with a paused clock; jobs find the log as `State<Events>`.
    pub fn app(&self) -> App {
        App::new().single_runtime(true).jobs(self.jobs.clone()).state(self.events.clone())
    }

    /// The job as it is stored.
    ///
    /// # Panics
    /// When there is no such job.
    pub async fn record(&self, id: JobId) -> Record {
        self.jobs.get(id).await.expect("the store answers").expect("there is such a job")
    }

    /// The job's failed attempts.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn history(&self, id: JobId) -> Vec<Attempt> {
        self.jobs.history(id).await.expect("the store answers")
    }

    /// The job's history in words: of each attempt its outcome, and the message of what went wrong.
    pub async fn story(&self, id: JobId) -> Vec<String> {
        let words = |attempt: Attempt| match attempt.failure {
            Some(failure) => format!("{}: {}", attempt.outcome, failure.message),
            None => attempt.outcome,
        };
        self.history(id).await.into_iter().map(words).collect()
    }

    /// Makes the store take every worker for dead that is alive now.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn declare_dead(&self) {
        let later = self.jobs.now() + Duration::from_secs(3600);
        let upkeep = self.store.upkeep().expect("memory has upkeep");
        upkeep.rescue(Rescue { poison_after: 3, now: later }).await.expect("memory never fails");
    }
}
