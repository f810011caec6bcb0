//! A job that the clock dispatches: every night at half past two in Vienna, once over all workers, also when clocks change.

use jobwork::{Schedule, prelude::*};

const EXPRESSION: &str = "30 2 * * *";

/// What a worker missed while there was none is made up for by one run.
#[job(cron = "30 2 * * *", tz = "Europe/Vienna", missed = "once")]
async fn nightly_report(job: JobContext) -> Result<String, JobError> {
    // The tick is what the report is about, however late it runs.
    let _night = job.tick().ok_or_else(|| JobError::dead("nobody but the clock dispatches this job"))?;
    println!("  writing the report, at attempt {}", job.attempt());
    Ok("all is well".to_owned())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    println!("half past two in Vienna, where there is none on the 28th of March:");
    let schedule = Schedule::parse(EXPRESSION, "Europe/Vienna")?;
    let mut time = "2027-03-26T12:00:00Z".parse()?;
    for _ in 0..3 {
        time = schedule.next(time).expect("there is a next night");
        println!("  {time}");
    }

    let jobs = Jobs::connect("memory:").await?;
    jobs.make_default();
    let worker = App::new().jobs(jobs.clone()).spawn().await?;
    for schedule in jobs.schedules().await? {
        println!("{}: {} in {}", schedule.name, schedule.due.expression, schedule.due.zone);
    }

    println!("once out of turn:");
    jobs.run_schedule("nightly_report").await?;
    worker.stop_and_wait().await;
    Ok(())
}
