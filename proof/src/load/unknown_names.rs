use std::time::{Duration, Instant};

use jiff::Timestamp;
use jobwork::NewJob;
use jobwork::store::Filter;

use super::count::{Note, push_all};
use super::figures::Outcome;
use super::scene::{Scene, app, ms};
use super::tally;

/// So many jobs that the worker knows come along.
const KNOWN: usize = 100;

/// They stay, for a worker that knows them, and are passed by for each one that this worker knows.
pub(super) async fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    let (jobs, count) = (scene.jobs().await?, scene.count(100_000));
    push_all(&jobs, count, |_| {
        let mut job = NewJob::new("load.of_another_program", "{}");
        job.queue = "others".into();
        Ok(job)
    })
    .await?;
    let worker = app(&jobs).spawn().await?;
    let begun = Instant::now();
    for number in 0..KNOWN {
        Note::dispatch(Timestamp::now().as_microsecond()).on(&jobs).await?;
        while tally::noted().len() <= number {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let time = begun.elapsed();
    let (waits, used) = (tally::noted(), processor_time()?);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = (processor_time()? - used) / 3;
    worker.stop_and_wait().await;
    let left = jobs
        .list(&Filter { name: Some("load.of_another_program".to_owned()), limit: Some(1), ..Filter::default() })
        .await?;
    anyhow::ensure!(left.len() == 1 && left[0].attempt == 0, "they were touched: {left:?}");
    let (half, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let what = format!(
        "beside {count} jobs of another program, one that is known waits {} (median), {} at most; idle, the process uses {} of a processor a second",
        ms(half),
        ms(most),
        ms(idle)
    );
    Ok(Outcome { count: KNOWN, time, what })
}

/// What this process has used of processors so far.
fn processor_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    // A hundred a second, as on every Linux.
    Ok(Duration::from_millis(ticks * 10))
}
