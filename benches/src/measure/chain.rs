//! Chains of three jobs, each given the output of the one before.

use anyhow::Result;
use jobwork::{Jobs, chain};

use super::scene::{AT_ONCE, Numbers, Scene, TASKS, from_tasks};
use crate::figure::Figure;
use crate::jobs::{First, Second, Third};

/// From the start of the worker until the end of the last chain is stored; a rate of chains, not of jobs.
pub(super) async fn measure(scene: &Scene) -> Result<Figure> {
    from_tasks(TASKS, scene.count, |numbers| dispatch(numbers, scene.jobs.clone())).await?;
    scene.tidy().await?;
    let meter = scene.meter()?;
    let worker = scene.worker(AT_ONCE).await?;
    scene.all_done().await?;
    let figure = meter.stop(scene.count)?;
    scene.end(worker).await?;
    Ok(figure)
}

async fn dispatch(numbers: Numbers, jobs: Jobs) -> Result<()> {
    for number in numbers {
        chain![First(number), Second, Third].on(&jobs).dispatch().await?;
    }
    Ok(())
}
