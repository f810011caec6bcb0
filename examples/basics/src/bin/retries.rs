//! What becomes of a job that fails: backoff, errors not worth retrying, verdicts, and who is told.

use std::time::Duration;

use jobwork::{WhatNext, prelude::*};

#[derive(Debug, thiserror::Error)]
enum MailError {
    #[error("the server is busy")]
    Busy,
    #[error("no such mailbox")]
    NoMailbox,
}

/// Only a busy server is worth another try.
fn worth_it(error: &JobError) -> bool {
    matches!(error.downcast_ref::<MailError>(), Some(MailError::Busy))
}

/// Called after each failed attempt. It may be sync, as this one, or async.
fn tell(failed: FailedJob, error: JobError) {
    let next = match &failed.next {
        WhatNext::Retry(_) => "it will be tried again",
        WhatNext::Dead(_) => "that was the last time",
        _ => "who knows",
    };
    println!("  attempt {} of {} failed: {error}; {next}", failed.job.attempt(), failed.job.name());
}

/// Called when no attempt is left.
async fn bury(failed: FailedJob, error: JobError) {
    println!("  {} is dead: {error}", failed.job.name());
}

/// Busy the first two times.
#[job(retries = 5, backoff = exponential("5ms".."1s"), retry_if = worth_it, on_error = tell, on_dead = bury)]
async fn send_mail(to: String, job: JobContext) -> Result<(), MailError> {
    match to.as_str() {
        "nobody" => Err(MailError::NoMailbox),
        _ if job.attempt() < 3 => Err(MailError::Busy),
        _ => {
            println!("  mail to {to} is sent at attempt {}", job.attempt());
            Ok(())
        }
    }
}

/// A job can say what should become of it, instead of an ordinary error.
#[job(retries = 1, on_error = tell, on_dead = bury)]
async fn charge(card: String, job: JobContext) -> Result<(), JobError> {
    match card.as_str() {
        "slow down" if job.attempt() == 1 => Err(JobError::retry_after(Duration::from_millis(5))),
        "sold out" => Err(JobError::discard("there is nothing left to pay for")),
        "stolen" => Err(JobError::dead("the card is blocked")),
        _ => {
            println!("  charged");
            Ok(())
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = Jobs::connect("memory:").await?;
    jobs.make_default();
    let worker = App::new().jobs(jobs.clone()).spawn().await?;

    for to in ["ann", "nobody"] {
        println!("mail to {to}:");
        let job = SendMail::dispatch(to).await?;
        // The error of a job that is dead is what `wait` returns; here it is enough that it has ended.
        let _ = job.wait().await;
        println!("  so it is {}", job.status().await?);
    }
    for card in ["slow down", "sold out", "stolen"] {
        println!("a card that is {card}:");
        let job = Charge::dispatch(card).await?;
        let _ = job.wait().await;
        let record = job.record().await?;
        println!("  so it is {}{}", record.state, record.reason.map(|why| format!(": {why}")).unwrap_or_default());
    }
    worker.stop_and_wait().await;
    Ok(())
}
