//! How fast jobs are stored, while nobody performs any.

use anyhow::{Result, ensure};

use super::scene::Scene;
use crate::figure::Figure;

/// From so many tasks, each of which waits for one job to be stored before it dispatches the next.
pub(super) async fn one_by_one(scene: &Scene, tasks: usize) -> Result<Figure> {
    let meter = scene.meter()?;
    scene.dispatch_from(tasks).await?;
    let figure = meter.stop(scene.count)?;
    check(scene).await?;
    Ok(figure)
}

/// In writes of a thousand, one after the other.
pub(super) async fn in_bulk(scene: &Scene) -> Result<Figure> {
    let meter = scene.meter()?;
    scene.dispatch_in_bulk().await?;
    let figure = meter.stop(scene.count)?;
    check(scene).await?;
    Ok(figure)
}

/// Every job is stored once.
async fn check(scene: &Scene) -> Result<()> {
    let queues = scene.jobs.inspect()?.queues(scene.jobs.now()).await?;
    let ready: u64 = queues.iter().map(|queue| queue.ready).sum();
    ensure!(ready == scene.count, "expected {} jobs to be ready, found {ready}", scene.count);
    Ok(())
}
