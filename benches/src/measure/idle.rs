//! What a worker costs that has nothing to do.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::figure::{Figure, Served};
use crate::place::Opened;
use crate::postgres::{Address, Processes, transactions};
use crate::task::{Other, Task};
use crate::usage::Meter;
use crate::worker::{Work, Worked};

/// In a process of its own, on a store that nobody else uses.
pub(super) async fn measure(opened: Opened, seconds: f64) -> Result<Figure> {
    let mut other = Other::start(&Task::Work(Work { url: opened.url, at_once: 100 }))?;
    // A client may have sessions of its own.
    drop(opened.jobs);
    other.ready()?;
    let time = Duration::from_secs_f64(seconds);
    let server = match &opened.address {
        Some(address) => Some(watch(address, opened.server, time).await?),
        None => {
            sleep(time).await;
            None
        }
    };
    Ok(Figure { server, ..other.end::<Worked>()?.figure })
}

/// What the server takes for it. A session tells what it did up to ten seconds later: so for a while, long enough in a measure
/// of a minute, nothing is counted.
async fn watch(address: &Address, server: Option<Processes>, time: Duration) -> Result<Served> {
    sleep(time / 5).await;
    let client = address.connect().await?;
    let before = transactions(&client).await?;
    let meter = Meter::start_with(server)?;
    sleep(time).await;
    let Figure { seconds, server, .. } = meter.stop(0)?;
    let made = transactions(&client).await? - before;
    Ok(Served { seconds, transactions: Some(made), ..server.unwrap_or_default() })
}
