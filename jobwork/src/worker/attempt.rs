use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::classify::classify;
use super::crowd::Place;
use super::failure;
use super::judge::{Judgement, Returned, Seen, judge};
use super::noter;
use super::shared::Shared;
use crate::client::current;
use crate::job::{Claimed, Finished, JobError, Lease, Outcome};
use crate::perform::{CancelReason, Handler, JobContext, JobResult, WhatNext};

type Running = Pin<Box<dyn Future<Output = JobResult> + Send>>;

/// One attempt of one job, from its start to its outcome.
pub(crate) struct Attempt {
    shared: Arc<Shared>,
    job: JobContext,
    handler: Arc<Handler>,
    /// Held for as long as the attempt takes.
    _room: Room,
}

/// What a running job takes up: a slot of the worker, and a place in its queue's crowd where that is counted.
pub(crate) type Room = (OwnedSemaphorePermit, Option<Place>);

/// Starts a claimed job on a task of its own.
pub(crate) fn start(shared: &Arc<Shared>, claimed: Claimed, room: Room) {
    let lease = claimed.lease;
    let Some(handler) = shared.handlers.get(claimed.name.as_str()).cloned() else {
        // Stores hand out only what they were asked for; if one doesn't, the job goes back to wait for a worker that can.
        let finished = Finished { lease, outcome: Outcome::Unstarted, at: shared.clock.now() };
        return shared.outcomes.send_now(finished);
    };
    let notebook = noter::notebook(shared, handler.handling.keep_log);
    let job = JobContext::new(claimed, shared.clock.now(), shared.states.clone(), notebook);
    let span = span(&job);
    shared.running.add(job.clone(), Arc::clone(&handler));
    let attempt = Attempt { shared: Arc::clone(shared), job, handler, _room: room };
    let task = shared.runtime.spawn(attempt.run().instrument(span));
    shared.running.set_task(lease.job, task.abort_handle());
}

fn span(job: &JobContext) -> tracing::Span {
    let make =
        || tracing::info_span!("job", name = job.name(), id = %job.id(), attempt = job.attempt(), queue = job.queue());
    #[cfg(feature = "log")]
    return crate::perform::span_of(job, make);
    #[cfg(not(feature = "log"))]
    make()
}

fn handed_back(shared: &Shared, lease: Lease) -> Finished {
    Finished { lease, outcome: Outcome::HandedBack { failure: None }, at: shared.clock.now() }
}

impl Attempt {
    async fn run(self) {
        tracing::debug!("started");
        let performed = Arc::clone(&self.handler.chain).run(self.job.clone());
        let mut running: Running = Box::pin(current::scope(self.shared.jobs.clone(), performed));
        let returned = self.watch(&mut running).await;
        self.conclude(returned).await;
        // Only now may a job that overran its cleanup be dropped: it is handed back, whatever its drop does.
        drop(running);
    }

    /// Runs the job until it returns or its cleanup time is over.
    async fn watch(&self, running: &mut Running) -> Returned {
        tokio::select! {
            biased;
            result = &mut *running => return Returned::Result(result),
            () = self.told_to_stop() => {}
        }
        let left = self.job.job().cancel.time_left();
        tokio::time::timeout(left, running).await.map_or(Returned::Overran, Returned::Result)
    }

    /// Waits for the cancel signal, and fires it when the job's timeout has passed.
    async fn told_to_stop(&self) {
        let signal = &self.job.job().cancel;
        let Some(timeout) = self.handler.handling.timeout else { return signal.until_fired().await };
        if tokio::time::timeout(timeout, signal.until_fired()).await.is_err() {
            tracing::warn!(?timeout, "told to stop: it takes longer than its timeout");
            self.shared.running.cancel(self.job.id(), CancelReason::Timeout);
        }
    }

    async fn conclude(&self, returned: Returned) {
        let overran = matches!(returned, Returned::Overran);
        let job = self.job.job();
        let signal = Seen {
            reason: job.cancel.fired(),
            seen: job.cancel.was_seen(),
            finished: job.finished.load(Ordering::Acquire),
        };
        if !self.shared.running.take(self.lease()) {
            return;
        }
        let Some(outcome) = self.outcome(judge(signal, returned)).await else {
            tracing::warn!("its result does not count: the job belongs to another worker by now");
            return;
        };
        self.log(&outcome);
        noter::flush(&self.shared, &self.job).await;
        let finished = Finished { lease: self.lease(), outcome, at: self.shared.clock.now() };
        if overran {
            self.shared.outcomes.send_and_wait(finished).await;
        } else {
            self.shared.outcomes.send(finished).await;
        }
    }

    async fn outcome(&self, judgement: Judgement) -> Option<Outcome> {
        let kept = |error: Option<JobError>| error.map(|error| error.to_failure());
        Some(match judgement {
            Judgement::Completed(output) => Outcome::Completed { output: output.into_json() },
            Judgement::CompletedLate(output) => {
                tracing::warn!("completed, but took longer than its timeout and never looked at its cancel signal");
                Outcome::Completed { output: output.into_json() }
            }
            Judgement::Failed(error) => self.failed(error).await,
            Judgement::HandedBack(error) => Outcome::HandedBack { failure: kept(error) },
            Judgement::Cancelled(error) => Outcome::Cancelled { failure: kept(error) },
            Judgement::Nothing => return None,
        })
    }

    async fn failed(&self, error: JobError) -> Outcome {
        let job = &self.job.job().claimed;
        let outcome = classify(&self.handler.handling, job, &error, self.shared.clock.now());
        let next = match &outcome {
            Outcome::Retry { at, .. } => WhatNext::Retry(*at),
            Outcome::Dead { reason, .. } => WhatNext::Dead(reason.clone()),
            _ => return outcome,
        };
        failure::tell(&self.shared, &self.handler, &self.job, &next, &error).await;
        outcome
    }

    fn lease(&self) -> Lease {
        self.job.job().claimed.lease
    }

    fn log(&self, outcome: &Outcome) {
        let now = self.shared.clock.now();
        let ms = now.duration_since(self.job.started_at()).as_millis();
        match outcome {
            Outcome::Completed { .. } => tracing::info!(ms, "completed"),
            Outcome::Retry { at, failure } => {
                tracing::warn!(ms, error = failure.message, kind = %failure.kind, retry_at = %at, "failed");
            }
            Outcome::Dead { reason, failure } => {
                tracing::error!(ms, error = failure.message, kind = %failure.kind, %reason, "dead");
            }
            Outcome::Snoozed { until } => tracing::info!(ms, %until, "snoozed"),
            Outcome::RateLimited { until } => tracing::info!(ms, %until, "rate limited"),
            Outcome::HandedBack { .. } => tracing::info!(ms, "handed back"),
            Outcome::Unstarted => tracing::debug!("not started"),
            Outcome::Cancelled { .. } => tracing::info!(ms, "cancelled"),
            Outcome::Discarded { why } => tracing::info!(ms, why, "discarded"),
        }
    }
}

impl Drop for Attempt {
    /// An attempt that is dropped before its end, because the runtime goes away under it, gives its job back.
    fn drop(&mut self) {
        let lease = self.lease();
        if self.shared.running.take(lease) {
            self.shared.outcomes.send_now(handed_back(&self.shared, lease));
        }
        self.shared.running.remove(lease);
    }
}
