//! Without the feature `inventory`, which finds jobs by itself, a worker lists the jobs that it performs. Some
//! platforms and some tastes ask for that.

use jobwork::prelude::*;

#[job]
async fn count_letters(word: String) -> Result<usize, JobError> {
    Ok(word.chars().count())
}

#[job]
async fn forgotten() {
    println!("nobody performs me");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let jobs = Jobs::connect("memory:").await?;
    let counted = CountLetters::dispatch("jobwork").on(&jobs).await?;
    let left = Forgotten::dispatch().on(&jobs).await?;

    App::new().register::<CountLetters>().jobs(jobs).run_until_empty().await?;

    println!("letters: {}", counted.wait().await?);
    // A job that this worker doesn't know is left for one that does.
    println!("forgotten is {}", left.status().await?);
    Ok(())
}
