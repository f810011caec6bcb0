//! What surrounds jobs: middleware of the whole app, middleware of one job, and middleware with a state of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jobwork::prelude::*;

/// An async function is middleware; this one is put round every job.
async fn trace(job: JobContext, next: Next) -> JobResult {
    println!("> {}", job.name());
    let result = next.run(job.clone()).await;
    println!("< {} {}", job.name(), if result.is_ok() { "went well" } else { "failed" });
    result
}

/// Keeps a job from running for whom it is not meant.
async fn only_grown_ups(job: JobContext, next: Next) -> JobResult {
    if job.args().contains(r#""age":17"#) {
        return Err(JobError::discard("too young"));
    }
    next.run(job).await
}

/// A type can be middleware too, and keep what it needs. Clones share one count.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

impl Middleware for Count {
    fn handle(&self, job: JobContext, next: Next) -> Pin<Box<dyn Future<Output = JobResult> + Send>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        next.run(job)
    }
}

#[job(middleware = [only_grown_ups])]
async fn serve(drink: String, age: u32) {
    println!("  a {drink} at {age}");
}

#[job]
async fn wash_up() {
    println!("  clean");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Jobs::connect("memory:").await?.make_default();
    Serve::dispatch("beer", 42).await?;
    Serve::dispatch("beer", 17).await?;
    WashUp::dispatch().await?;

    let count = Count::default();
    // The first is the outermost; those of the app surround those of the job. One job at a time, for the output's sake.
    let app = App::new().middleware(trace).middleware(count.clone()).concurrency(1);
    app.run_until_empty().await?;
    println!("{} jobs passed", count.0.load(Ordering::Relaxed));
    Ok(())
}
