//! Dispatchers and a worker side by side.

use anyhow::Result;

use super::scene::{AT_ONCE, Scene, TASKS};
use crate::figure::Figure;
use crate::tally::Count;
use crate::task::{Other, Task};
use crate::worker::{Work, Worked};

/// In one process: from the first dispatch until the end of the last job is stored.
pub(super) async fn measure(scene: &Scene) -> Result<Figure> {
    let worker = scene.worker(AT_ONCE).await?;
    let meter = scene.meter()?;
    scene.dispatch_from(TASKS).await?;
    scene.all_done().await?;
    let figure = meter.stop(scene.count)?;
    scene.end(worker).await?;
    Ok(figure)
}

/// The same with the worker in another process.
pub(super) async fn measure_elsewhere(scene: &Scene) -> Result<Figure> {
    let mut other = Other::start(&Task::Work(Work { url: scene.url(), at_once: AT_ONCE }))?;
    other.ready()?;
    let meter = scene.meter()?;
    scene.dispatch_from(TASKS).await?;
    scene.settled().await?;
    let mut figure = meter.stop(scene.count)?;
    let worked: Worked = other.end()?;
    worked.ran.check(Count::of(0..scene.count))?;
    figure.add_usage_of(&worked.figure);
    Ok(figure)
}
