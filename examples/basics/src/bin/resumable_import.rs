//! A long job that goes on where it stopped: it stores a cursor as it goes, and finds it again on its next attempt, in whatever
//! process that is.

use std::path::PathBuf;

use jobwork::prelude::*;

const BATCH: usize = 100;

#[derive(Debug, thiserror::Error)]
#[error("the connection is gone")]
struct ConnectionLost;

/// Where the import is; anything that serde can write will do.
#[derive(Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Cursor {
    rows: usize,
    cents: u64,
}

#[job(retries = 3, backoff = "10ms")]
async fn import(file: PathBuf, job: JobContext) -> anyhow::Result<u64> {
    let mut at: Cursor = job.last_checkpoint()?.unwrap_or_default();
    println!("attempt {}: from row {}", job.attempt(), at.rows);
    let text = std::fs::read_to_string(file)?;
    let rows: Vec<u64> = text.lines().map(str::parse).collect::<Result<_, _>>()?;
    while at.rows < rows.len() {
        let end = rows.len().min(at.rows + BATCH);
        if job.attempt() == 1 && end > 450 {
            println!("  lost at row 450, in the middle of a batch");
            return Err(ConnectionLost.into());
        }
        at = Cursor { rows: end, cents: at.cents + rows[at.rows..end].iter().sum::<u64>() };
        // On stable storage when it returns. What was done since the last one is done again, so keep the steps small.
        job.checkpoint(&at).await?;
        job.progress(at.rows as f64 / rows.len() as f64, format!("row {}", at.rows));
        println!("  up to row {}", at.rows);
    }
    Ok(at.cents)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = Jobs::connect("memory:").await?;
    jobs.make_default();
    let worker = App::new().jobs(jobs.clone()).spawn().await?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("payments.txt");
    std::fs::write(&file, "3\n".repeat(1000))?;

    let import = Import::dispatch(file).await?;
    println!("{} cents imported", import.wait().await?);
    if let Some(progress) = import.progress().await? {
        println!("its last word: {} ({:.0} %)", progress.message(), progress.fraction() * 100.0);
    }
    worker.stop_and_wait().await;
    Ok(())
}
