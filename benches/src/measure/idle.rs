//! What a worker costs that has nothing to do.

use std::time::Duration;

use anyhow::Result;

use crate::figure::Figure;
use crate::task::{Other, Task};
use crate::worker::{Work, Worked};

/// In a process of its own, on a store that nobody else uses.
pub(super) async fn measure(url: &str, seconds: f64) -> Result<Figure> {
    let mut other = Other::start(&Task::Work(Work { url: url.to_owned(), at_once: 100 }))?;
    other.ready()?;
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    Ok(other.end::<Worked>()?.figure)
}
