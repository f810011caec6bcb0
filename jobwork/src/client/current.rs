use std::future::Future;
use std::sync::{PoisonError, RwLock};

use tokio::task::futures::TaskLocalFuture;

use super::Jobs;
use crate::error::Result;
use crate::store::{connect, default_url, named_url};

tokio::task_local! {
    /// The client of the worker that runs the job we are in.
    static IN_JOB: Jobs;
}

/// The client of the process, for code outside of jobs.
static DEFAULT: RwLock<Option<Jobs>> = RwLock::new(None);

/// Held while the default is being opened, so that it is opened once.
static OPENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The client to use here, if there is one already: the job's, else the process's.
pub(crate) fn get() -> Option<Jobs> {
    IN_JOB.try_with(Jobs::clone).ok().or_else(default)
}

fn default() -> Option<Jobs> {
    DEFAULT.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The client to use here; opens the default store where nobody has set a client: the one that the environment names, else
/// `otherwise`, else the one of every program.
pub(crate) async fn get_or_open(otherwise: Option<&str>) -> Result<Jobs> {
    match get() {
        Some(jobs) => Ok(jobs),
        // In a box, so that dispatches don't carry the room for what is done once.
        None => Box::pin(open(otherwise)).await,
    }
}

async fn open(otherwise: Option<&str>) -> Result<Jobs> {
    let _opening = OPENING.lock().await;
    if let Some(jobs) = get() {
        return Ok(jobs);
    }
    let jobs = Jobs::new(connect(&url(otherwise)).await?);
    set_default(jobs.clone());
    Ok(jobs)
}

/// The URL of the store to open where nobody has set a client.
pub(crate) fn url(otherwise: Option<&str>) -> String {
    named_url().unwrap_or_else(|| otherwise.map_or_else(default_url, str::to_owned))
}

/// Makes this the process's client.
pub(crate) fn set_default(jobs: Jobs) {
    *DEFAULT.write().unwrap_or_else(PoisonError::into_inner) = Some(jobs);
}

/// Makes this the process's client unless there is one.
pub(crate) fn set_default_if_none(jobs: &Jobs) {
    DEFAULT.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| jobs.clone());
}

/// Runs a future with this client as the one to use.
pub(crate) fn scope<F: Future>(jobs: Jobs, future: F) -> TaskLocalFuture<Jobs, F> {
    IN_JOB.scope(jobs, future)
}

/// Calls a function with this client as the one to use.
pub(crate) fn with<R>(jobs: Option<Jobs>, function: impl FnOnce() -> R) -> R {
    match jobs {
        Some(jobs) => IN_JOB.sync_scope(jobs, function),
        None => function(),
    }
}
