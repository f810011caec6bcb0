//! The queue that `bench` has to itself in a store with other jobs.

use std::time::Duration;

use super::interrupt::Interrupt;
use super::nothing::NAME;
use crate::cli::exit::{Exit, Failure};
use crate::client::Jobs;
use crate::clock::until;
use crate::error;
use crate::store::{Filter, Target, WorkerInfo};

/// Where nothing was dispatched for this long and there is no worker, nobody measures.
const QUIET: Duration = Duration::from_secs(60);

/// Makes sure that nobody else uses the queue, that its jobs can run, and that there are none.
///
/// # Errors
/// Who uses it, or what is paused.
pub(super) async fn take(jobs: &Jobs) -> Result<(), Failure> {
    let now = jobs.now();
    let workers = jobs.inspect()?.workers(now).await?;
    let serves = |info: &WorkerInfo| info.queues.iter().any(|queue| queue == NAME);
    let served = workers.iter().any(|worker| worker.expires_at > now && serves(&worker.info));
    let newest = jobs.list(&Filter { limit: Some(1), ..all() }).await?.into_iter().next();
    if served || newest.is_some_and(|job| until(now, job.created_at) < QUIET) {
        let problem = "another `bench` runs on this store, or was killed not long ago";
        let hint = format!("wait for its end, or a minute; `delete --name {NAME}` removes what a killed one has left");
        return Err(Failure::new(Exit::Failed, format!("{problem}: {hint}")));
    }
    let pauses = match jobs.store().control() {
        Some(control) => control.pauses(now).await?,
        None => Vec::new(),
    };
    if let Some(pause) = pauses.into_iter().find(|pause| holds(&pause.target)) {
        let message =
            format!("its jobs could not run, for {} is paused in this store: resume that first", pause.target);
        return Err(Failure::new(Exit::Failed, message));
    }
    // What is there now was left by one that was killed.
    Ok(empty(jobs).await?)
}

/// Whether a pause of this target holds the jobs of the queue.
fn holds(target: &Target) -> bool {
    match target {
        Target::Everything => true,
        Target::Queue(name) | Target::Job(name) => name == NAME,
    }
}

/// Empties the queue, whatever was done there, and hands that on.
///
/// # Errors
/// That of what was done, and why the queue may not be empty.
pub(super) async fn leave<T>(jobs: &Jobs, interrupt: &Interrupt, done: Result<T, Failure>) -> Result<T, Failure> {
    let emptied = tokio::select! {
        emptied = empty(jobs) => emptied.map_err(Failure::from),
        () = interrupt.insisted() => Err(Failure::new(Exit::Failed, "interrupted again")),
    };
    let left = match emptied {
        Ok(()) => return done,
        Err(failure) => failure.message,
    };
    let left = format!("{left}; jobs may be left in queue `{NAME}`: `delete --name {NAME}` removes them");
    let messages = done.err().map(|failure| failure.message).into_iter().chain([left]);
    Err(Failure::new(Exit::Failed, messages.collect::<Vec<_>>().join("\nerror: ")))
}

/// Forgets every job that was measured, or was to be.
async fn empty(jobs: &Jobs) -> error::Result<()> {
    jobs.delete_all(&all()).await.map(drop)
}

fn all() -> Filter {
    Filter { queue: Some(NAME.to_owned()), name: Some(NAME.to_owned()), ..Filter::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::clock::Clock;
    use crate::job::NewJob;
    use crate::store::memory::Memory;

    #[tokio::test]
    async fn what_a_killed_one_has_left_is_removed_and_no_other_job() {
        let second = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&second);
        let now = move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap();
        let jobs = Jobs::new(Arc::new(Memory::new())).with_clock(Clock::from_fn(now));
        let named = |name, queue: &'static str| NewJob { queue: queue.into(), ..NewJob::new(name, "[]") };
        let new = vec![named(NAME, NAME), named(NAME, "other"), named("other", NAME)];
        let ids = jobs.push(new).await.unwrap();
        second.store(59, Ordering::SeqCst);
        assert!(take(&jobs).await.unwrap_err().message.contains("another `bench`"));
        assert!(jobs.get(ids[0]).await.unwrap().is_some());
        second.store(60, Ordering::SeqCst);
        take(&jobs).await.unwrap();
        let left = jobs.list(&Filter::default()).await.unwrap();
        assert_eq!(left.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    }
}
