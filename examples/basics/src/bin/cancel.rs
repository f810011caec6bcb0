//! Cancelling a job while it runs: it is told, cleans up, and is never tried again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jobwork::prelude::*;
use tokio::sync::Notify;

/// Tells `main` that a job is in the middle of its work.
#[derive(Default)]
struct Begun(Notify);

/// Dropped at the end of the job, however it ends.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Ok(()) => println!("  the draft is removed"),
            Err(error) => println!("  the draft stays: {error}"),
        }
    }
}

/// `guard` stops what it runs as soon as the job is told to stop; `?` turns that into the right outcome.
#[job]
async fn record_show(file: PathBuf, cancel: CancelSignal, begun: State<Arc<Begun>>) -> anyhow::Result<()> {
    std::fs::write(&file, "so far, so good")?;
    let _draft = Draft(file);
    println!("  recording");
    begun.0.0.notify_one();
    cancel.guard(the_whole_evening()).await?;
    println!("  never reached");
    Ok(())
}

/// A job that wants to know why, or has something to do before it stops, waits for the signal itself.
#[job]
async fn serve_dinner(cancel: CancelSignal, begun: State<Arc<Begun>>) -> Result<(), Cancelled> {
    println!("  serving");
    begun.0.0.notify_one();
    tokio::select! {
        () = the_whole_evening() => Ok(()),
        reason = cancel.cancelled() => {
            println!("  told to stop: {reason}; putting the lid on");
            Err(Cancelled::new())
        }
    }
}

async fn the_whole_evening() {
    std::future::pending::<()>().await;
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Jobs::connect("memory:").await?.make_default();
    let begun = Arc::new(Begun::default());
    let worker = App::new().state(Arc::clone(&begun)).spawn().await?;
    let folder = tempfile::tempdir()?;

    println!("the show:");
    let show = RecordShow::dispatch(folder.path().join("show.draft")).await?;
    begun.0.notified().await;
    show.cancel().await?;
    // `wait` says how it ended: here, that there is no result, and why.
    println!("  no result: {}", plain(&show.wait().await.unwrap_err().to_string(), &show.id().to_string()));
    println!("  files left: {}", files(folder.path())?);

    println!("the dinner:");
    let dinner = ServeDinner::dispatch().await?;
    begun.0.notified().await;
    dinner.cancel().await?;
    let _ = dinner.wait().await;
    println!("  so it is {}", dinner.status().await?);

    println!("a job that has not started is cancelled at once:");
    let later = ServeDinner::dispatch().delay(std::time::Duration::from_secs(3600)).await?;
    println!("  {} before", later.status().await?);
    later.cancel().await?;
    println!("  {} after", later.status().await?);
    worker.stop_and_wait().await;
    Ok(())
}

/// The message without the job's id, which differs from run to run.
fn plain(message: &str, id: &str) -> String {
    message.replace(id, "…")
}

fn files(folder: &Path) -> std::io::Result<usize> {
    Ok(std::fs::read_dir(folder)?.count())
}
