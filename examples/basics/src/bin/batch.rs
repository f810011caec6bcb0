//! Many jobs followed as one, with jobs that are called back: when the first is dead, when each has run once, and when all have
//! succeeded, be it after a repair.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jobwork::{Batch, prelude::*};

/// Whether the printer has paper.
#[derive(Default)]
struct Printer(AtomicBool);

/// The last photo is larger than the paper that is left.
#[job(retries = 0)]
async fn print_photo(photo: u32, printer: State<Arc<Printer>>) -> Result<(), String> {
    if photo == 5 && !printer.0.0.load(Ordering::Relaxed) {
        return Err("out of paper".to_owned());
    }
    println!("  photo {photo} is printed");
    Ok(())
}

/// Callbacks are jobs: stored with the batch, retried, and performed by any worker.
#[job]
async fn tell(who: String, what: String) {
    println!("  to {who}: {what}");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = Jobs::connect("memory:").await?;
    jobs.make_default();
    let printer = Arc::new(Printer::default());
    // One job at a time, so that the lines come in the same order every time.
    let worker = || App::new().jobs(jobs.clone()).state(Arc::clone(&printer)).concurrency(1);

    let batch = Batch::new("photos of May")
        .add_many((1..=5).map(PrintPhoto::new))
        .on_death(Tell::dispatch("the shop", "a photo could not be printed"))
        .on_complete(Tell::dispatch("ann", "each photo had its turn"))
        .on_success(Tell::dispatch("ann", "all photos are ready"))
        .dispatch()
        .await?;
    println!("the first run:");
    worker().run_until_empty().await?;
    let record = batch.progress().await?;
    println!("{} of {} printed, {} dead", record.completed, record.total, record.dead);

    printer.0.store(true, Ordering::Relaxed);
    println!("with new paper, {} is tried again:", batch.retry_failed().await?);
    worker().run_until_empty().await?;
    let record = batch.progress().await?;
    println!("{} of {} printed, {} dead", record.completed, record.total, record.dead);
    Ok(())
}
