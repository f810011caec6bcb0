use std::time::Instant;

use jobwork::job;

use super::count::{new_job, push_all};
use super::figures::{Outcome, memory};
use super::scene::{Scene, app, ensure_all_ended};
use super::tally;

/// The default limit is ten million bytes of JSON, and the number and the names need some.
const BYTES: usize = 9_999_900;

/// So many megabytes more than before are no more than what runs, what was claimed ahead, and what the store holds of both.
const BOUND: f64 = 700.0;

/// Reads all of its arguments.
#[job(name = "load.large", retain = "0s", retries = 0)]
async fn large(number: usize, data: String) -> Result<(), String> {
    let zs = data.bytes().filter(|byte| *byte == b'z').count();
    if zs == 0 || data.len() != BYTES {
        return Err(format!("expected {BYTES} bytes, found {} with {zs} times z", data.len()));
    }
    tally::count(number);
    Ok(())
}

/// Many small jobs, after which a worker claims far ahead, and then large ones. What nobody compresses away.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, small, count) = (scene.jobs().await?, scene.count(100_000), scene.count(200).max(20));
    push_all(&jobs, small, |number| new_job(number, "default".to_owned())).await?;
    let letters = (0..BYTES).map(|_| fastrand::alphanumeric().to_ascii_lowercase());
    let data: String = letters.collect();
    for number in 0..count {
        Large::dispatch(small + number, data.clone()).on(&jobs).await?;
    }
    let refused = Large::dispatch(0, data.repeat(2)).on(&jobs).await;
    anyhow::ensure!(refused.is_err(), "arguments of 20 MB were stored");
    drop(data);
    let before = memory("VmHWM:")?;
    let worker = app(&jobs).concurrency(4).spawn().await?;
    tally::reach(small).await;
    let begun = Instant::now();
    tally::reach(small + count).await;
    let time = begun.elapsed();
    worker.stop_and_wait().await;
    tally::ensure_each_ran_once(small + count)?;
    ensure_all_ended(&jobs).await?;
    let more = memory("VmHWM:")? - before;
    anyhow::ensure!(
        jobs.store().name() == "memory" || more < BOUND,
        "performing them took {more:.0} MB of memory more"
    );
    let what = format!(
        "10 MB each behind {small} small jobs, 4 at a time: {more:.0} MB more than the {before:.0} MB after the dispatch; 20 MB are refused"
    );
    Ok(Outcome { count, time, what })
}
