//! What jobs are given instead of having it stored: the app's state, and parameters of your own making.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jobwork::prelude::*;

/// Shared by all jobs, as a pool of database connections would be.
#[derive(Default)]
struct Ledger(Mutex<BTreeMap<String, i64>>);

/// For whom a job is done, told by a tag that it was dispatched with.
struct Tenant(String);

impl Inject for Tenant {
    fn inject(job: &JobContext) -> Result<Self, JobError> {
        let tenant = job.tags().iter().find_map(|tag| tag.strip_prefix("tenant:"));
        // An error here fails the attempt as if the job had returned it.
        tenant.map(|name| Self(name.to_owned())).ok_or_else(|| JobError::dead("dispatched without a tenant"))
    }
}

/// `State<T>` is known by its name; a type of your own is marked. Neither is an argument of `Book::dispatch`.
#[job]
async fn book(amount: i64, #[inject] tenant: Tenant, ledger: State<Ledger>) -> Result<(), String> {
    let mut accounts = ledger.0.0.lock().map_err(|error| error.to_string())?;
    *accounts.entry(tenant.0).or_default() += amount;
    Ok(())
}

#[job]
async fn print_ledger(ledger: State<Ledger>) -> Result<(), String> {
    for (tenant, amount) in &*ledger.0.0.lock().map_err(|error| error.to_string())? {
        println!("{tenant} has {amount}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Jobs::connect("memory:").await?.make_default();
    Book::dispatch(30).tag("tenant:ann").await?;
    Book::dispatch(12).tag("tenant:ann").await?;
    Book::dispatch(7).tag("tenant:bob").await?;
    let lost = Book::dispatch(1000).await?;
    // Lower than all others: it runs last.
    PrintLedger::dispatch().priority(-1).await?;

    // A job whose state the app was not given keeps the worker from starting, rather than fail when it runs.
    println!("without a ledger:\n{}", App::new().run_until_empty().await.unwrap_err());

    App::new().state(Ledger::default()).concurrency(1).run_until_empty().await?;
    let error = lost.wait().await.unwrap_err();
    println!("without a tenant: {}", error.to_string().replace(&lost.id().to_string(), "…"));
    Ok(())
}
