//! Dispatches a job without linking what performs it.

use slim_jobs::FindLinks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> jobwork::Result<()> {
    // It rests in the store that JOBWORK_URL names, or else in the file jobs.db, until a worker comes.
    FindLinks::dispatch("see https://www.rust-lang.org, and http://localhost:8000/docs").await?;
    println!("dispatched");
    Ok(())
}
