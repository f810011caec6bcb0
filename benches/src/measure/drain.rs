//! How fast jobs are performed that are ready before the worker starts.

use anyhow::Result;

use super::scene::Scene;
use crate::figure::Figure;
use crate::tally::TALLY;

/// From the start of the worker until the end of the last job is stored.
pub(super) async fn measure(scene: &Scene, at_once: usize) -> Result<Figure> {
    scene.make_ready().await?;
    ready_jobs(scene, at_once).await
}

/// The same of jobs that are ready already.
pub(super) async fn ready_jobs(scene: &Scene, at_once: usize) -> Result<Figure> {
    let meter = scene.meter()?;
    let worker = scene.worker(at_once).await?;
    if scene.load.beside.waiting == 0 {
        scene.all_done().await?;
        let figure = meter.stop(scene.count)?;
        scene.end(worker).await?;
        return Ok(figure);
    }
    // The store never has no open job, and to count millions of them would take longer than the worker takes to stop, which it
    // does when all ends are stored.
    TALLY.all_ran().await?;
    scene.end(worker).await?;
    meter.stop(scene.count)
}
