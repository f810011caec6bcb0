//! Every option with a right value.
use std::time::Duration;

use jobwork::{FailedJob, JobContext, JobError, JobResult, Next, job};

async fn measure(job: JobContext, next: Next) -> JobResult {
    next.run(job).await
}

async fn note(_failed: FailedJob, _error: JobError) {}

fn page(_failed: FailedJob, _error: JobError) -> Result<(), String> {
    Ok(())
}

fn worth(_: &JobError) -> bool {
    true
}

fn wait(_: u32, _: &JobError) -> Duration {
    Duration::ZERO
}

#[job(queue = "mail", priority = -3, retries = 5, backoff = wait, retry_if = worth, timeout = "10m", cleanup = "1s 500ms",
      middleware = [measure, measure], on_error = note, on_dead = page, name = "mail.send:v-1", alias = ["mail", "post"])]
async fn send_email(to: String) -> Result<(), String> {
    drop(to);
    Ok(())
}

fn main() {
    let handling = <SendEmail as jobwork::Perform>::handling();
    assert!(format!("{handling:?}").contains("600s"));
}
