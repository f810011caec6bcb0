//! A worker is stopped with a job in the middle of its work. The job is told, cleans up and goes back to its queue, and
//! the next worker finishes it: nothing is lost, and no attempt is used up.

use std::sync::Arc;
use std::time::Duration;

use jobwork::prelude::*;
use tokio::sync::Notify;

/// How well this worker's oven bakes, and a bell to tell `main` that a cake is in it.
struct Oven {
    minutes: u32,
    bell: Arc<Notify>,
}

/// After the signal a job has this long to put things in order; then it is handed back, whatever it does.
#[job(cleanup = "5s")]
async fn bake(cake: String, job: JobContext, cancel: CancelSignal, oven: State<Oven>) -> Result<(), Cancelled> {
    println!("  {cake} cake: in the oven, attempt {}", job.attempt());
    oven.bell.notify_one();
    if let Err(cancelled) = cancel.guard(wait(oven.minutes)).await {
        println!("  {cake} cake: told to stop ({}), the oven is off", job.cancel_signal().cancelled().await);
        return Err(cancelled);
    }
    println!("  {cake} cake: done");
    Ok(())
}

/// Time stands still in this example: it is no time or for ever.
async fn wait(minutes: u32) {
    if minutes > 0 {
        std::future::pending::<()>().await;
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = Jobs::connect("memory:").await?;
    jobs.make_default();
    let cakes = Bake::dispatch_many(["apple", "lemon"].map(Bake::new)).await?;

    println!("the first worker:");
    let bell = Arc::new(Notify::new());
    let worker = App::new()
        .state(Oven { minutes: 60, bell: Arc::clone(&bell) })
        .concurrency(1)
        // How long running jobs may go on undisturbed after a stop was asked: 25 s, if you don't say otherwise.
        .shutdown_timeout(Duration::ZERO)
        .spawn()
        .await?;
    bell.notified().await;
    // SIGTERM and Ctrl-C do the same, in a worker that obeys signals: `App::run` does.
    let report = worker.stop_and_wait().await;
    println!("  stopped by {}, {} handed back", report.reason, report.handed_back.len());
    for cake in &cakes {
        let record = cake.record().await?;
        println!("  {} is {} at attempt {}", record.args, record.state, record.attempt);
    }

    println!("the second worker:");
    let oven = Oven { minutes: 0, bell };
    let report = App::new().state(oven).concurrency(1).run_until_empty().await?;
    println!("  stopped by {}, {} completed", report.reason, report.completed);
    Ok(())
}
