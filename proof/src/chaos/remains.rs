//! What the store holds in the end.

use std::collections::BTreeSet;
use std::path::Path;

use jobwork::store::Filter;
use jobwork::{JobId, Jobs, Record};

use crate::checker::View;
use crate::history::{self, Event, History, Remains};

/// So many jobs are read at a time.
const PAGE: usize = 500;

/// Writes down what has become of every job that the history knows, and of every other one in the store.
///
/// # Errors
/// When the store or the history can't be read.
pub(super) async fn write(jobs: &Jobs, history: &History, file: &Path) -> anyhow::Result<()> {
    let mut left: BTreeSet<JobId> = View::new(&history::read(file)?.lines).jobs.into_keys().collect();
    let mut page = Filter { limit: Some(PAGE), ..Filter::default() };
    loop {
        let records = jobs.list(&page).await?;
        let Some(last) = records.last() else { break };
        page.before = Some(last.id);
        for record in records {
            left.remove(&record.id);
            write_one(jobs, history, record).await?;
        }
    }
    // Whatever a list leaves out may still be found by its id.
    for id in left {
        if let Some(record) = jobs.get(id).await? {
            write_one(jobs, history, record).await?;
        }
    }
    Ok(())
}

async fn write_one(jobs: &Jobs, history: &History, record: Record) -> anyhow::Result<()> {
    let story = jobs.history(record.id).await?.into_iter().map(|attempt| (attempt.attempt, attempt.outcome)).collect();
    let Record { id: job, state, attempt, rescues, args, output, reason, .. } = record;
    history.add(Event::Remains(Remains { job, state, attempt, rescues, args, output, reason, story }));
    Ok(())
}
