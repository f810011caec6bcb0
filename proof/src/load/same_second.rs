use std::time::{Duration, Instant};

use jiff::Timestamp;
use jobwork::Jobs;

use super::count::{Note, new_job, push_all};
use super::figures::Outcome;
use super::scene::{Scene, app, ensure_all_ended, ms};
use super::tally;

/// How often a job comes along that has nothing to do with the others.
const OTHERS: Duration = Duration::from_millis(20);

/// All fall due in one second, while jobs of another queue come and want to run too.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, count) = (scene.jobs().await?, scene.count(100_000));
    let worker = app(&jobs).spawn().await?;
    let due = jobs.now() + Duration::from_secs_f64((60.0 * scene.scale).max(3.0));
    push_all(&jobs, count, |number| {
        let mut job = new_job(number, "default".to_owned())?;
        job.run_at = Some(due);
        Ok(job)
    })
    .await?;
    let ahead = Duration::try_from(due - jobs.now()).unwrap_or_default();
    anyhow::ensure!(tally::ran() == 0 || ahead.is_zero(), "{} jobs ran before they were due", tally::ran());
    tokio::time::sleep(ahead).await;
    let begun = Instant::now();
    let others = tokio::spawn(dispatch_others(jobs.clone(), count));
    tally::reach(count).await;
    let time = begun.elapsed();
    let others = others.await??;
    while tally::noted().len() < others {
        tokio::time::sleep(OTHERS).await;
    }
    worker.stop_and_wait().await;
    tally::ensure_each_ran_once(count)?;
    ensure_all_ended(&jobs).await?;
    let waits = tally::noted();
    let longest = waits.last().copied().unwrap_or_default();
    anyhow::ensure!(
        longest < time.max(Duration::from_secs(2)),
        "a job of another queue waited for all of them: {longest:?}"
    );
    let half = waits.get(waits.len() / 2).copied().unwrap_or_default();
    let late = if ahead.is_zero() { ", the first due before the last was dispatched" } else { "" };
    let what = format!(
        "each ran once{late}; {others} jobs of another queue meanwhile waited {} (median), {} at most",
        ms(half),
        ms(longest)
    );
    Ok(Outcome { count, time, what })
}

/// Dispatches jobs one by one until all of the crowd have run; says how many.
async fn dispatch_others(jobs: Jobs, crowd: usize) -> jobwork::Result<usize> {
    let mut others = 0;
    while tally::ran() < crowd {
        Note::dispatch(Timestamp::now().as_microsecond()).on(&jobs).await?;
        others += 1;
        tokio::time::sleep(OTHERS).await;
    }
    Ok(others)
}
