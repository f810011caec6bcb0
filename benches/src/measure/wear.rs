//! What a drain leaves behind in a database.

use anyhow::{Context, Result};

use super::drain;
use super::scene::{AT_ONCE, Scene};
use crate::figure::Figure;
use crate::postgres::Probe;

/// From when the jobs are ready until the worker has stopped and all sessions of it have ended.
pub(super) async fn measure(scene: Scene) -> Result<Figure> {
    let address = scene.address().context("expected a store of Postgres: no other one is known to wear")?;
    scene.make_ready().await?;
    let probe = Probe::start(&address).await?;
    let mut figure = drain::ready_jobs(&scene, AT_ONCE).await?;
    drop(scene);
    figure.wear = Some(probe.stop().await?);
    Ok(figure)
}
