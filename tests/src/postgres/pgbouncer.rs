//! A pgbouncer of a test's own, which lends the sessions of a server for one transaction at a time.

use super::kept::{Kept, blocking};

/// A pgbouncer in front of a server. It ends when this is dropped.
#[derive(Debug)]
pub struct Pooler {
    /// The URL that it was started for, by way of it.
    pub url: String,
    _kept: Kept,
}

/// Starts a pgbouncer in front of the server that the URL names, in transaction mode.
///
/// # Panics
/// When there is no pgbouncer, or it does not start.
pub async fn start(url: &str) -> Pooler {
    let url = url.to_owned();
    let kept = blocking(move || Kept::start("pgbouncer", &[&url])).await;
    Pooler { url: kept.url().to_owned(), _kept: kept }
}
