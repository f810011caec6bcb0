//! Performs what the dispatcher dispatched.

use jobwork::prelude::*;
// Its jobs register themselves, but only where the crate is linked: that takes a mention.
use slim_jobs as _;

/// Prints what jobs return.
async fn print_output(job: JobContext, next: Next) -> JobResult {
    let result = next.run(job.clone()).await;
    if let Ok(output) = &result {
        println!("{}: {}", job.name(), output.as_json());
    }
    result
}

#[jobwork::main]
async fn main(app: App) -> App {
    app.middleware(print_output)
}
