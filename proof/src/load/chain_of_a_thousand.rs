use std::time::Instant;

use anyhow::ensure;
use jobwork::{Chain, Jobs, job};

use super::figures::Outcome;
use super::scene::{Scene, app, ensure_all_ended};

/// Counts the steps, by way of what each hands to the next.
#[job(name = "load.step", retries = 0)]
async fn step(before: u64) -> Result<u64, String> {
    Ok(before + 1)
}

/// One after the other, each given what the one before returned.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, count) = (scene.jobs().await?, scene.count(1_000).max(100));
    let worker = app(&jobs).spawn().await?;
    let begun = Instant::now();
    let last = dispatch(&jobs, count).await?;
    let time = begun.elapsed();
    worker.stop_and_wait().await;
    ensure!(last == count as u64, "the last of {count} steps returned {last}");
    ensure_all_ended(&jobs).await?;
    Ok(Outcome { count, time, what: "each step ran once, in its order, with the output of the one before".to_owned() })
}

/// The output of the last step.
async fn dispatch(jobs: &Jobs, count: usize) -> anyhow::Result<u64> {
    let mut chain = Chain::first_complete(Step::new(0));
    for _ in 1..count {
        chain = chain.then::<Step>();
    }
    Ok(chain.dispatch().on(jobs).await?.wait().await?)
}
