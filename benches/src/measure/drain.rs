//! How fast jobs are performed that are ready before the worker starts.

use anyhow::Result;

use super::scene::Scene;
use crate::figure::Figure;
use crate::usage::Meter;

/// From the start of the worker until the end of the last job is stored.
pub(super) async fn measure(scene: &Scene, at_once: usize) -> Result<Figure> {
    scene.dispatch_in_bulk().await?;
    let meter = Meter::start()?;
    let worker = scene.worker(at_once).await?;
    scene.all_done().await?;
    let figure = meter.stop(scene.count)?;
    scene.end(worker).await?;
    Ok(figure)
}
