//! A client of somebody else's API: so many calls in a time for each key, over all workers; and when the API says that it was
//! too much (429), everyone with that key waits, not only the job that was told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jobwork::prelude::*;

/// How long the API turns everyone down, and what it says: rounded up, as a `Retry-After` in whole seconds is.
const CLOSED: Duration = Duration::from_millis(250);
const COOL_DOWN: Duration = Duration::from_millis(300);

/// What the API answers instead of a result.
#[derive(Debug, thiserror::Error)]
enum ApiError {
    /// HTTP 429 with its `Retry-After`.
    #[error("too many requests")]
    TooMany { retry_after: Duration },
}

/// Stands in for the API: it turns down its third call, and whoever calls before the time is up that it named then.
#[derive(Default)]
struct Api(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    count: u32,
    closed_until: Option<Instant>,
}

impl Api {
    fn charge(&self, _account_id: u64, cents: u64) -> Result<u64, ApiError> {
        let mut calls = self.0.lock().unwrap();
        calls.count += 1;
        let now = Instant::now();
        if calls.closed_until.is_some_and(|until| now < until) {
            println!("call {}: 429, and somebody didn't wait", calls.count);
            return Err(ApiError::TooMany { retry_after: COOL_DOWN });
        }
        if calls.count == 3 {
            println!("call 3: 429, come back in {COOL_DOWN:?}");
            calls.closed_until = Some(now + CLOSED);
            return Err(ApiError::TooMany { retry_after: COOL_DOWN });
        }
        println!("call {}: 200", calls.count);
        Ok(cents)
    }
}

/// At most two calls in each 100 ms for each account; all jobs that name the group share that. One at a time, so that no other is
/// on its way when the API says 429.
#[job(concurrency(1, key = account_id), rate("2/100ms", key = account_id, group = "payments"))]
async fn charge(account_id: u64, cents: u64, api: State<Arc<Api>>) -> Result<u64, JobError> {
    // It keeps its retries: a job that is told to wait has not failed.
    api.0.charge(account_id, cents).map_err(|ApiError::TooMany { retry_after }| JobError::rate_limited(retry_after))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = Jobs::connect("memory:").await?;
    jobs.make_default();
    let worker = App::new().jobs(jobs.clone()).state(Arc::new(Api::default())).spawn().await?;

    let begun = Instant::now();
    let charges = Charge::dispatch_many((1..=6).map(|n| Charge::new(7, n * 100))).await?;
    let mut sum = 0;
    for charge in &charges {
        sum += charge.wait().await?;
    }
    println!("{sum} cents charged, each once");
    println!("it took no less than the API asked for: {}", begun.elapsed() >= COOL_DOWN);
    let attempts = charges.first().expect("there are six").record().await?.attempt;
    println!("the first job was done at attempt {attempts}");
    worker.stop_and_wait().await;
    Ok(())
}
