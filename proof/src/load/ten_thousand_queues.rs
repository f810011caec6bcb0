use std::time::{Duration, Instant};

use jiff::Timestamp;
use jobwork::{Jobs, WorkerHandle};

use super::count::{Note, new_job, push_all};
use super::figures::Outcome;
use super::scene::{Scene, app, ensure_all_ended, ms};
use super::tally;

/// So many jobs are in each queue.
const EACH: usize = 3;

/// A worker that serves all queues empties them, and one that serves them by name, in a strict order, empties them again.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, queues) = (scene.jobs().await?, scene.count(10_000));
    let count = queues * EACH;
    let dispatch = async |first: usize| {
        push_all(&jobs, count, |number| new_job(first + number, format!("queue {:05}", number % queues))).await
    };
    dispatch(0).await?;
    let worker = app(&jobs).spawn().await?;
    let all = emptied(&worker, count).await?;

    dispatch(count).await?;
    let names = (0..queues).map(|number| format!("queue {number:05}")).chain(["others".to_owned()]);
    let begun = Instant::now();
    let worker = app(&jobs).queues(names.collect::<Vec<_>>()).spawn().await?;
    tally::reach(count * 2).await;
    let by_name = begun.elapsed();
    let idle = pick_up(&jobs).await?;
    worker.stop_and_wait().await;
    tally::ensure_each_ran_once(count * 2)?;
    ensure_all_ended(&jobs).await?;
    let what = format!(
        "{queues} queues of {EACH}, by a worker of all; by one of each by name in {:.1} s, which picks up another job after {}",
        by_name.as_secs_f64(),
        ms(idle)
    );
    Ok(Outcome { count, time: all, what })
}

/// Waits until so many jobs have run, and stops the worker.
async fn emptied(worker: &WorkerHandle, count: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    tally::reach(count).await;
    let time = begun.elapsed();
    worker.stop_and_wait().await;
    Ok(time)
}

/// How long a job waits for a worker whose queues are all empty.
async fn pick_up(jobs: &Jobs) -> anyhow::Result<Duration> {
    Note::dispatch(Timestamp::now().as_microsecond()).on(jobs).await?;
    while tally::noted().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(tally::noted().last().copied().unwrap_or_default())
}
