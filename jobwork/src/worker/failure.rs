//! Telling error handlers that an attempt has failed.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use crate::client::current;
use crate::job::{Claimed, DeadReason, FailureKind, JobError, JobId, JobState, Lease, Record};
use crate::perform::{ErrorHandler, FailedJob, Handler, JobContext, Notebook, WhatNext, catch};

/// An error handler that has not returned by then is dropped.
const HANDLER_LIMIT: Duration = Duration::from_secs(30);

/// Calls the app's handlers, then the chain's or the job's own, and its last one when no attempt is left.
pub(crate) async fn tell(shared: &Shared, handler: &Handler, job: &JobContext, next: &WhatNext, error: &JobError) {
    let handling = &handler.handling;
    let own = chain_handler(shared, job).or_else(|| handling.on_error.clone());
    let on_dead = handling.on_dead.clone().filter(|_| matches!(next, WhatNext::Dead(_)));
    for handler in shared.on_error.iter().cloned().chain(own).chain(on_dead) {
        call(shared, &handler, FailedJob::new(job.clone(), next.clone()), error.clone()).await;
    }
}

/// The chain's error handler, which takes the place of the member's own.
fn chain_handler(shared: &Shared, job: &JobContext) -> Option<Arc<dyn ErrorHandler>> {
    let name = job.chain()?.on_error.as_deref()?;
    let handler = shared.registry.chain_handler(name);
    if handler.is_none() {
        tracing::error!(name, "this program has no such error handler for the chain; the job's own is called");
    }
    handler
}

/// Calls one error handler. Whatever it does, the outcome stands.
async fn call(shared: &Shared, handler: &Arc<dyn ErrorHandler>, failed: FailedJob, error: JobError) {
    let handler = Arc::clone(handler);
    let jobs = shared.jobs.clone();
    let call = current::scope(jobs, async move {
        let called = catch(|| handler.handle(failed, error)).map_err(|panic| panic.to_string())?;
        called.await
    });
    // A task of its own catches a panic between two awaits too, and is dropped with its limit.
    let mut task = tokio::spawn(call);
    let called = tokio::select! {
        // A handler that is done was called in time.
        biased;
        called = &mut task => Some(called),
        () = tokio::time::sleep(HANDLER_LIMIT) => None,
        // The outcome can still be written now, and not after the worker's end.
        () = shared.running.closing() => None,
    };
    match called {
        Some(Ok(Ok(()))) => {}
        Some(Ok(Err(message))) => tracing::error!(error = message, "an error handler failed"),
        Some(Err(broken)) => tracing::error!(error = %broken, "an error handler broke off"),
        None => {
            task.abort();
            tracing::error!("an error handler took too long and was dropped");
        }
    }
}

/// Calls the handlers of those rescued jobs that are dead now, since too many workers died while they ran them. There
/// is no attempt left that could do it.
pub(crate) async fn tell_of_poison(shared: Arc<Shared>, rescued: Vec<JobId>) {
    let Some(inspect) = shared.store.inspect() else { return };
    let found = match inspect.get(&rescued, shared.clock.now()).await {
        Ok(found) => found,
        Err(error) => return tracing::error!(%error, "can't look at the rescued jobs to call their error handlers"),
    };
    for job in found.into_iter().flatten().filter(|job| job.state == JobState::Dead) {
        let message = format!("{} workers died while they ran it", job.rescues);
        tracing::error!(name = job.name, id = %job.id, error = message, "dead as a poison pill");
        let error = JobError::of_kind(FailureKind::Poison, message, None);
        if let Some(handler) = shared.handlers.get(job.name.as_str()).cloned() {
            let job = JobContext::new(
                last_claim(&shared, job),
                shared.clock.now(),
                shared.states.clone(),
                Notebook::default(),
            );
            tell(&shared, &handler, &job, &WhatNext::Dead(DeadReason::Poison), &error).await;
        }
    }
}

/// The job as the worker had it that died last, whose attempt was given back.
fn last_claim(shared: &Shared, job: Record) -> Claimed {
    let lease = Lease { job: job.id, attempt: job.attempt + 1, worker: shared.identity.id(), claim: 0 };
    let mut claimed = Claimed::new(lease, job.name, job.queue, job.args, job.created_at);
    claimed.priority = job.priority;
    claimed.retries = job.retries;
    claimed.rescues = job.rescues;
    claimed.tags = job.tags;
    claimed.run_at = job.run_at;
    claimed.chain = job.chain;
    claimed.version = job.version;
    claimed
}
