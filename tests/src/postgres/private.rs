use std::sync::{Arc, Mutex, PoisonError};

use super::connect;
use super::kept::{Kept, blocking};

/// A server of a test's own, for tests of how a server fails. It ends when this is dropped.
#[derive(Debug)]
pub struct Private {
    kept: Arc<Mutex<Kept>>,
    url: String,
}

impl Private {
    /// Starts a server, which takes about a second.
    ///
    /// # Panics
    /// When there is no Postgres, or it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with lines of postgresql.conf, as `fsync=on`.
    ///
    /// # Panics
    /// When there is no Postgres, or it does not start.
    pub async fn start_with(settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let start = move || {
            let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["-c", setting]).collect();
            Kept::start("postgres", &arguments)
        };
        let kept = blocking(start).await;
        Self { url: kept.url().to_owned(), kept: Arc::new(Mutex::new(kept)) }
    }

    /// The URL of its one database, as its superuser. It stays when the server starts again.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends all sessions and the server, as a machine that loses its power does, and starts it again. It answers when this
    /// returns.
    ///
    /// # Panics
    /// When it does not start again.
    pub async fn restart_immediate(&self) {
        self.obey("restart").await;
    }

    /// Tells all sessions that the server ends, and stops it.
    ///
    /// # Panics
    /// When it does not stop, as one that was stopped before.
    pub async fn stop(&self) {
        self.obey("stop").await;
    }

    /// Starts it after a stop. It answers when this returns.
    ///
    /// # Panics
    /// When it does not start, as one that runs.
    pub async fn start_again(&self) {
        self.obey("start").await;
    }

    /// Ends all sessions of others, and says how many.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn terminate_backends(&self) -> usize {
        let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        connect(&self.url).await.query(statement, &[]).await.expect("sessions can be ended").len()
    }

    async fn obey(&self, verb: &'static str) {
        let kept = self.kept.clone();
        blocking(move || kept.lock().unwrap_or_else(PoisonError::into_inner).obey(verb)).await;
    }
}
