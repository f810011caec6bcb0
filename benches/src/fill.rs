//! Stores with many finished jobs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jobwork::Jobs;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::jobs::{Beside, Filler, Load};
use crate::place::url_of;
use crate::postgres::{self, Address};
use crate::worker;

/// So many jobs are dispatched, or rows written, at once.
const BULK: u64 = 1_000;
const ROWS: u64 = 100_000;

/// By then every measure is over.
const LATER: Duration = Duration::from_secs(7 * 86_400);

/// The table with the jobs: its key is a number, and a finished job is one row of it. Nothing else is known about it here.
const TABLE: &str = "jobwork_jobs";

/// To make what measures begin with a copy of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Fill {
    /// An SQLite file with finished jobs.
    File {
        /// Where it is to be.
        file: PathBuf,
        /// How many.
        finished: u64,
    },
    /// An empty database of Postgres is filled.
    Database {
        /// Which.
        address: Address,
        /// With what.
        beside: Beside,
    },
}

impl Fill {
    /// Makes it.
    pub(crate) async fn fill(self) -> Result<()> {
        match self {
            Self::File { file, finished } => fill_file(&file, finished).await,
            Self::Database { address, beside } => {
                by_work(&Jobs::connect(address.url()).await?, beside).await?;
                let client = address.connect().await?;
                postgres::vacuum(&client).await?;
                postgres::checkpoint(&client).await
            }
        }
    }
}

/// Performs one job, and copies its row: that takes seconds where performing them all would take minutes.
async fn fill_file(file: &Path, finished: u64) -> Result<()> {
    let url = url_of(file);
    let jobs = Jobs::connect(&url).await?;
    by_work(&jobs, Beside { finished: 1, waiting: 0 }).await?;
    drop(jobs);
    copy_rows(file, finished).with_context(|| format!("can't copy the finished job in {}", file.display()))?;
    let jobs = Jobs::connect(&url).await?;
    let counts = jobs.inspect()?.counts(jobs.now()).await?;
    if (counts.completed, counts.open()) != (finished, 0) {
        bail!(
            "expected {finished} completed jobs and no other ones, found {counts:?}: has the layout of `{TABLE}` changed?"
        );
    }
    Ok(())
}

/// Fills a store by performing jobs, and by dispatching those that wait.
pub(crate) async fn by_work(jobs: &Jobs, Beside { finished, waiting }: Beside) -> Result<()> {
    dispatch(jobs, finished, Duration::ZERO).await?;
    if finished > 0 {
        let worker = worker::start(jobs, 1_000).await?;
        worker::settled(jobs).await?;
        let report = worker.stop_and_wait().await;
        anyhow::ensure!(report.completed == finished, "expected {finished} jobs to complete, {} did", report.completed);
    }
    dispatch(jobs, waiting, LATER).await
}

async fn dispatch(jobs: &Jobs, count: u64, delay: Duration) -> Result<()> {
    let text = Load::PLAIN.text();
    for first in (0..count).step_by(BULK as usize) {
        let many = (first..count.min(first + BULK)).map(|number| Filler::new(number, text.as_str()));
        Filler::dispatch_many(many).delay(delay).on(jobs).await?;
    }
    Ok(())
}

fn copy_rows(file: &Path, finished: u64) -> rusqlite::Result<()> {
    let file = Connection::open(file)?;
    // The store may still be closing the file.
    file.busy_timeout(Duration::from_secs(60))?;
    file.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; PRAGMA temp_store = MEMORY")?;
    let copy = format!(
        "WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < ?1)
         INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM rows, (SELECT * FROM {TABLE} LIMIT 1)",
        columns = columns(&file)?.join(", ")
    );
    let mut left = finished.saturating_sub(1);
    while left > 0 {
        let some = left.min(ROWS);
        file.execute(&copy, params![some as i64])?;
        left -= some;
    }
    // The store counts completed jobs as it writes their ends.
    file.execute("UPDATE jobwork_totals SET completed = ?1", params![finished as i64])?;
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// The columns of a job but for its key, which a new row is given by itself.
fn columns(file: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = file.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk = 0")?;
    names.query_map([TABLE], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_has_as_many_finished_jobs_as_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs.db");
        Fill::File { file: file.clone(), finished: 1_234 }.fill().await.unwrap();
        let jobs = Jobs::connect(&url_of(&file)).await.unwrap();
        let counts = jobs.inspect().unwrap().counts(jobs.now()).await.unwrap();
        assert_eq!((counts.completed, counts.open()), (1_234, 0));
        let listed = jobs.list(&jobwork::store::Filter { limit: Some(2), ..Default::default() }).await.unwrap();
        assert_ne!(listed[0].id, listed[1].id);
    }
}
