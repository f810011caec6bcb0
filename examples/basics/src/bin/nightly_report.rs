//! A job that the clock dispatches: every night at half past two in Vienna, once over all workers, also when clocks change. A run
//! out of turn, and one run that makes up for the nights of a long weekend on which no worker was there.

use std::sync::Arc;
use std::time::Duration;

use jobwork::{Clock, Schedule, prelude::*};
use tokio::sync::Notify;

/// Tells `main` that a report is written.
#[derive(Default)]
struct Written(Notify);

#[job(cron = "30 2 * * *", tz = "Europe/Vienna", missed = "once")]
async fn nightly_report(job: JobContext, written: State<Arc<Written>>) -> Result<(), JobError> {
    // The tick is what the report is about, however late it runs.
    let night = job.tick().ok_or_else(|| JobError::dead("nobody but the clock dispatches this job"))?;
    println!("  the report of {night}");
    written.0.0.notify_one();
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    println!("half past two in Vienna, on the 28th of March the end of the hour that is left out:");
    let schedule = Schedule::parse("30 2 * * *", "Europe/Vienna")?;
    let mut time = "2027-03-26T12:00:00Z".parse()?;
    for _ in 0..3 {
        time = schedule.next(time).expect("there is a next night");
        println!("  {time}");
    }

    let jobs = Jobs::connect("memory:").await?;
    let written = Arc::new(Written::default());
    let app = |jobs: &Jobs| App::new().jobs(jobs.clone()).state(Arc::clone(&written));

    println!("Friday noon, once out of turn:");
    let friday = at(&jobs, "2027-03-26T12:00:00Z")?;
    let worker = app(&friday).spawn().await?;
    while friday.schedules().await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await; // a worker declares its schedules as it starts
    }
    friday.run_schedule("nightly_report").await?;
    written.0.notified().await;
    worker.stop_and_wait().await;

    println!("Monday noon, for the three nights without a worker:");
    let monday = at(&jobs, "2027-03-29T12:00:00Z")?;
    let worker = app(&monday).spawn().await?;
    written.0.notified().await;
    worker.stop_and_wait().await;

    for schedule in jobs.schedules().await? {
        println!("{}: {} in {}", schedule.name, schedule.due.expression, schedule.due.zone);
    }
    println!("{} reports in all", jobs.list(&Default::default()).await?.len());
    Ok(())
}

/// The same jobs, for somebody whose clock stands still, so that the lines are the same every time.
fn at(jobs: &Jobs, time: &str) -> anyhow::Result<Jobs> {
    let time = time.parse()?;
    Ok(jobs.clone().with_clock(Clock::from_fn(move || time)))
}
