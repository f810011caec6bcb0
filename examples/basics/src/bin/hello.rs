//! The whole of it: a job, a dispatch, a worker.

use jobwork::prelude::*;

/// An async function becomes a job, and a type of the same name to dispatch it by.
#[job]
async fn greet(name: String) {
    println!("hello {name}");
}

#[tokio::main]
async fn main() -> jobwork::Result<()> {
    // Leave this line out, and the jobs rest in the SQLite file jobs.db.
    Jobs::connect("memory:").await?.make_default();

    Greet::dispatch("world").await?;
    App::new().run_until_empty().await?;
    Ok(())
}
