//! Every option with a right value.
use std::time::Duration;

use jobwork::{FailedJob, Job, JobContext, JobError, JobResult, Next, job};

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

#[job(unique)]
async fn all_arguments(to: String) {
    drop(to);
}

#[job(unique = [to, copies], concurrency(2, key = recipient, group = "mail"), rate = "100/1m", key = to, ordered)]
async fn chosen_arguments(to: String, copies: u8) {
    let _ = (to, copies);
}

#[job(unique(by = first_copy, window = "1h", states = [waiting, scheduled, ready, running, completed],
             on_conflict = replace(args, schedule)), ordered = to)]
async fn a_function(to: String, copies: u8) {
    let _ = (to, copies);
}

#[job(debounce("5s", by = to, at_most = "1m"), rate("5/1s", group = "mail"), ordered(key = [to], group = "mail"))]
async fn debounced(to: String) {
    drop(to);
}

#[job(throttle("1m", by = r#type))]
async fn throttled(r#type: String) {
    drop(r#type);
}

#[job(encrypted, unique = to, concurrency = 1, expires = "1h", retry_for = "48h", retain = "7d", version = 3,
      upgrade = [from_v1, from_v2])]
async fn secret(to: String) {
    drop(to);
}

#[job(cron = "30 2 * * *", tz = "Europe/Vienna", missed = "once", log = "info", queue = "reports")]
async fn nightly_report(job: JobContext) {
    let _ = job.tick();
}

#[job(cron = "@every 15m", missed = "2h", log = "trace")]
async fn look_for_mail() {}

fn recipient(job: &ChosenArguments) -> &str {
    &job.to
}

fn first_copy(job: &AFunction) -> impl serde::Serialize {
    job.copies == 1
}

fn from_v1((to,): (String,)) -> Vec<String> {
    vec![to]
}

fn from_v2(mut to: Vec<String>) -> Result<Secret, &'static str> {
    Ok(Secret::new(to.pop().ok_or("to nobody")?))
}

fn main() {
    assert!(AllArguments::new("ann").flow().unwrap().unique.is_some());
    assert_eq!(ChosenArguments::new("ann", 2).flow().unwrap().limits.len(), 2);
    assert!(AFunction::new("ann", 2).flow().unwrap().ordered.is_some());
    assert!(Debounced::OPTIONS.delay.is_some());
    assert!(Throttled::new("a").flow().unwrap().unique.is_some());
    assert!(Secret::OPTIONS.encrypted);
    let handling = <SendEmail as jobwork::Perform>::handling();
    assert!(format!("{handling:?}").contains("600s"));
    let handling = format!("{:?}", <NightlyReport as jobwork::Perform>::handling());
    assert!(handling.contains("nightly_report: 30 2 * * * in Europe/Vienna"), "{handling}");
    assert!(handling.contains("Info"), "{handling}");
}
