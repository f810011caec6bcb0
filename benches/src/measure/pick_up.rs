//! How long a job waits for a worker that has nothing to do.

use std::time::Duration;

use anyhow::{Context, Result};

use super::scene::Scene;
use crate::figure::{Figure, Latency};
use crate::jobs::Sent;
use crate::tally::{Count, TALLY, wall};
use crate::task::{Other, Task};
use crate::worker::{Work, Worked};

/// Of a worker that waits for single jobs.
const AT_ONCE: usize = 100;

/// From the call of dispatch until the job begins, in one process.
pub(super) async fn measure(scene: &Scene) -> Result<Figure> {
    let worker = scene.worker(AT_ONCE).await?;
    let meter = scene.meter()?;
    send(scene).await?;
    TALLY.all_ran().await?;
    let mut figure = meter.stop(scene.count)?;
    scene.end(worker).await?;
    figure.latency = Some(Latency::of(TALLY.take_waits()).context("expected jobs to be measured")?);
    Ok(figure)
}

/// The same with the worker in another process.
pub(super) async fn measure_elsewhere(scene: &Scene) -> Result<Figure> {
    let mut other = Other::start(&Task::Work(Work { url: scene.url(), at_once: AT_ONCE }))?;
    other.ready()?;
    let meter = scene.meter()?;
    send(scene).await?;
    scene.settled().await?;
    let mut figure = meter.stop(scene.count)?;
    let worked: Worked = other.end()?;
    worked.ran.check(Count::of(0..scene.count))?;
    figure.latency = Some(Latency::of(worked.waits.clone()).context("expected jobs to be measured")?);
    figure.add_usage_of(&worked.figure);
    Ok(figure)
}

async fn send(scene: &Scene) -> Result<()> {
    for number in 0..scene.count {
        Sent::dispatch(number, wall()).on(&scene.jobs).await?;
        tokio::time::sleep(pause(number)).await;
    }
    Ok(())
}

/// Long enough for the job before to be done; uneven, so that whatever the worker does periodically is met at any moment.
pub(crate) fn pause(number: u64) -> Duration {
    Duration::from_micros(5_000 + number * 7_919 % 10_000)
}
