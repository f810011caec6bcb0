//! Nothing disturbs any more, and every job comes to its end.

use std::time::{Duration, Instant};

use jobwork::store::{CancelAnswer, Counts, Filter};
use jobwork::{JobState, Jobs, Record};

use super::crew::Crew;
use crate::history::{Event, History};
use crate::workload::ON_DEATH;

/// No longer than this: a job that has not ended by then never will.
const LIMIT: Duration = Duration::from_secs(120);

/// How the peace was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peace {
    /// How long it took until every job had ended.
    pub(super) time: Duration,
    /// What had not ended when it was over.
    pub(super) open: u64,
}

/// Opens the store, where everything is at peace again.
///
/// # Errors
/// When it can't be opened.
pub(super) async fn open(url: &str) -> anyhow::Result<Jobs> {
    let begun = Instant::now();
    loop {
        match Jobs::connect(url).await {
            Ok(jobs) => return Ok(jobs),
            // Those who still work may keep the file to themselves for a moment.
            Err(error) if begun.elapsed() < LIMIT => println!("the store: {error}"),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Keeps the workers at work until every job has ended, or until it is clear that some never will.
///
/// # Errors
/// When the store can't be read.
pub(super) async fn keep(crew: &mut Crew, jobs: &Jobs, history: &History) -> anyhow::Result<Peace> {
    let begun = Instant::now();
    loop {
        crew.tend()?;
        let open = counts(jobs).await;
        let peace = Peace { time: begun.elapsed(), open: open.as_ref().map_or(u64::MAX, Counts::open) };
        match open {
            Ok(counts) if counts.open() == 0 => return Ok(peace),
            Ok(_) if peace.time < LIMIT => cancel_hopeless(jobs, history).await?,
            // Connections that broke in the storm are noticed here.
            Err(error) if peace.time < LIMIT => println!("the store: {error}"),
            Ok(_) => return Ok(peace),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn counts(jobs: &Jobs) -> jobwork::Result<Counts> {
    jobs.inspect()?.counts(jobs.now()).await
}

/// What waits for a dead job would wait for somebody to retry that, and what is called back for a death in a batch waits for one also when all
/// others of the batch have long ended.
async fn cancel_hopeless(jobs: &Jobs, history: &History) -> anyhow::Result<()> {
    let filter = Filter { states: vec![JobState::Waiting], ..Filter::default() };
    let is_hopeless = |job: &Record| job.blocked || job.tags.iter().any(|tag| tag == ON_DEATH);
    for job in jobs.list(&filter).await?.into_iter().filter(is_hopeless).map(|job| job.id) {
        history.add(Event::Cancelling { job });
        let answer: CancelAnswer = jobs.cancel(job).await?;
        history.add(Event::Cancelled { job, answer: format!("{answer:?}").to_lowercase() });
    }
    Ok(())
}
