//! Jobs that run one after the other, each given what the one before returned.

use jobwork::prelude::*;

#[job]
async fn fetch(title: String) -> Result<String, JobError> {
    println!("  fetched {title}");
    Ok(format!("the text of {title}"))
}

#[job]
async fn count_words(text: String) -> Result<usize, JobError> {
    println!("  counted");
    Ok(text.split(' ').count())
}

#[job]
async fn report(words: usize, to: String) -> Result<String, JobError> {
    println!("  reported");
    Ok(format!("{words} words, dear {to}"))
}

#[job]
async fn clear_cache(folder: String) {
    println!("  cleared {folder}");
}

/// A chain with a name, a queue and an error handler, dispatched like a job.
#[named_chain(queue = "books", on_error = regret)]
fn read_book(title: String, to: String) {
    chain![Fetch(title), CountWords, Report(_, to)]
}

fn regret(failed: FailedJob, error: JobError) {
    println!("  {} failed: {error}", failed.job.name());
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Jobs::connect("memory:").await?.make_default();
    let worker = App::new().spawn().await?;

    println!("a bare step takes the output whole, `_` says where it goes:");
    let chain = chain![Fetch, CountWords, Report(_, "ann")].dispatch("emma").await?;
    println!("  {}", chain.wait().await?);

    println!("a complete step takes nothing from the one before:");
    let chain = chain![Fetch("persuasion"), ClearCache("/tmp/books"), Report(3, "bob")].dispatch().await?;
    println!("  {}", chain.wait().await?);

    println!("by its name:");
    let chain = ReadBook::dispatch("middlemarch", "cat").await?;
    println!("  {}", chain.wait().await?);
    for member in chain.members().await? {
        println!("  {} is {} in queue {}", member.name, member.state, member.queue);
    }
    worker.stop_and_wait().await;
    Ok(())
}
