//! What a job costs beside many finished ones.

use anyhow::Result;

use super::scene::{AT_ONCE, Scene};
use crate::figure::Figure;

/// From the first dispatch, in bulk, until the end of the last job is stored; the worker starts when all are dispatched.
pub(super) async fn measure(scene: &Scene) -> Result<Figure> {
    let meter = scene.meter()?;
    scene.dispatch_in_bulk().await?;
    let worker = scene.worker(AT_ONCE).await?;
    scene.all_done().await?;
    let figure = meter.stop(scene.count)?;
    scene.end(worker).await?;
    Ok(figure)
}
