//! The machine is started again: the store opens what is left, and goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{Push, Rescue, Settled, Store, Upkeep};
use jobwork::{Finished, JobId, JobState, NewJob, Outcome, WorkerId};

use super::found::{self, Found};
use super::image::Image;
use super::promises::{Promises, violation};
use super::script::FILE;
use super::session::{NAMES, claim, join};
use crate::checker::Violation;

/// Looks at an image that was left after so many operations.
///
/// # Errors
/// When it can't be written. What the store fails at is a violation.
pub(super) fn look_at(image: &Image, promises: &Promises, at: usize) -> anyhow::Result<Vec<Violation>> {
    // In memory where it can be: it need not last, and is synced all the same.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    image.write_to(folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let looked = runtime.block_on(look(&folder.path().join(FILE), promises, at));
    Ok(looked.unwrap_or_else(|error| vec![violation("unusable", format!("the store fails: {error:#}"), at)]))
}

async fn look(file: &Path, promises: &Promises, at: usize) -> anyhow::Result<Vec<Violation>> {
    let store = Sqlite::open(file).await?;
    let found = found::all(&store).await?;
    let mut violations = promises.check(&found, at);
    let mut corrupt = |is: &str| {
        let sound = integrity(file).map_err(|error| vec![error.to_string()]);
        let wrong = sound.unwrap_or_else(|wrong| wrong);
        violations.extend(wrong.into_iter().map(|what| violation("corrupt", format!("{is}: {what}"), at)));
    };
    corrupt("when it is opened");
    let wrong = go_on(&store, &found).await?;
    corrupt("when it has gone on");
    violations.extend(wrong.into_iter().map(|what| violation("stuck", what, at)));
    Ok(violations)
}

/// What SQLite finds wrong with a file.
fn integrity(file: &Path) -> rusqlite::Result<Vec<String>> {
    let connection = rusqlite::Connection::open(file)?;
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let said: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(said.into_iter().filter(|line| line != "ok").collect())
}

/// Later than all that any job waits for.
fn later() -> Timestamp {
    Timestamp::constant(2_000_000_000, 0)
}

/// Dispatches a job, has a new worker perform all that can be, and says what isn't as it should be then.
async fn go_on(store: &Sqlite, before: &BTreeMap<JobId, Found>) -> anyhow::Result<Vec<String>> {
    let worker = WorkerId::fresh();
    join(store, worker, later()).await?;
    let fresh = store.push(Push::of(vec![NewJob::new(NAMES[0], r#"{"fresh":true}"#)], later())).await?.ids();
    store.rescue(Rescue { poison_after: 0, now: later() }).await?;
    loop {
        let claimed = claim(store, worker, None, 1_000, later()).await?.jobs;
        if claimed.is_empty() {
            break;
        }
        let outcome = Outcome::Completed { output: "true".to_owned() };
        let finished: Arc<[_]> =
            claimed.iter().map(|job| Finished { lease: job.lease, outcome: outcome.clone(), at: later() }).collect();
        let settled = store.finish(finished).await?;
        anyhow::ensure!(settled.iter().all(|settled| *settled == Settled::Stored), "an outcome was refused");
    }
    let after = found::all(store).await?;
    let mut wrong: Vec<_> =
        fresh.iter().filter(|id| before.contains_key(*id)).map(|id| format!("the id {id} was given twice")).collect();
    wrong.extend(before.keys().chain(&fresh).filter_map(|id| stays(*id, before.get(id), after.get(id))));
    Ok(wrong)
}

/// What is wrong with a job after all that could be performed was: those that had ended are as they were, and the others have completed,
/// but for members of a chain that wait for a dead one.
fn stays(id: JobId, before: Option<&Found>, after: Option<&Found>) -> Option<String> {
    let Some(after) = after else { return Some(format!("the job {id} is gone")) };
    match before.filter(|before| before.record.state.is_final() || before.record.blocked) {
        Some(before) => {
            (before != after).then(|| format!("the job {id} had ended, and was {before:?}, and is {after:?}"))
        }
        None => {
            let state = after.record.state;
            (state != JobState::Completed).then(|| format!("the job {id} can't be performed, and is {state}"))
        }
    }
}
