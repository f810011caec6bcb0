use std::time::Instant;

use super::count::{new_job, push_all};
use super::figures::{Outcome, memory};
use super::scene::{Scene, app, ensure_all_ended};
use super::tally;

/// All are dispatched before the first one is performed.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, count) = (scene.jobs().await?, scene.count(1_000_000));
    let begun = Instant::now();
    push_all(&jobs, count, |number| new_job(number, "default".to_owned())).await?;
    let dispatched = begun.elapsed();
    let before = memory("VmRSS:")?;
    let begun = Instant::now();
    let worker = app(&jobs).spawn().await?;
    tally::reach(count).await;
    let time = begun.elapsed();
    worker.stop_and_wait().await;
    tally::ensure_each_ran_once(count)?;
    ensure_all_ended(&jobs).await?;
    let rate = count as f64 / dispatched.as_secs_f64();
    let what = format!("dispatched at {rate:.0}/s, {before:.0} MB in use then; each ran once");
    Ok(Outcome { count, time, what })
}
