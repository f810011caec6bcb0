use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use tracing::Instrument;

use super::classify::classify;
use super::crowd::Place;
use super::failure;
use super::judge::{Judgement, Returned, Seen, judge};
use super::noter;
use super::running::{Running, Task};
use super::shared::Shared;
use crate::client::current;
use crate::job::{Claimed, Finished, JobError, Lease, Outcome};
use crate::perform::{CancelReason, CancelSignal, JobContext, JobResult, Notebook, WhatNext};

/// One attempt of one job, from its start to its outcome.
pub(crate) struct Attempt {
    shared: Arc<Shared>,
    running: Arc<Running>,
    /// Held for as long as the attempt takes, where its queue's crowd is counted.
    _place: Option<Place>,
}

/// Counts a claimed job among the running ones; what is returned performs it, on the task named.
pub(crate) fn begin(shared: &Arc<Shared>, claimed: Claimed, place: Option<Place>, task: &Task) -> Option<Attempt> {
    let lease = claimed.lease;
    let Some(handler) = shared.handlers.get(claimed.name.as_str()).cloned() else {
        // Stores hand out only what they were asked for; if one doesn't, the job goes back to wait for a worker that can.
        let finished = Finished { lease, outcome: Outcome::Unstarted, at: shared.clock.now() };
        shared.outcomes.send_now(finished);
        return None;
    };
    let notebook = Notebook::new(Arc::clone(&shared.desk), handler.handling.keep_log);
    let job = JobContext::new(claimed, shared.clock.now(), shared.states.clone(), notebook);
    let running = Arc::new(Running::new(job, handler, Arc::clone(task)));
    shared.running.add(&running);
    Some(Attempt { shared: Arc::clone(shared), running, _place: place })
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
    /// Performs the job, in its span, until its outcome is handed in.
    pub(crate) fn run(self) -> impl Future<Output = ()> + Send {
        let span = span(&self.running.job);
        self.perform().instrument(span)
    }

    async fn perform(self) {
        tracing::debug!("started");
        let performed = Arc::clone(&self.running.handler.chain).run(self.running.job.clone());
        // Dropped at the end of this function: only then may a job that overran its cleanup be dropped, since it is handed
        // back by then, whatever its drop does.
        let mut performing = pin!(current::scope(self.shared.jobs.clone(), performed));
        let returned = self.fitting(self.watch(performing.as_mut()).await);
        self.conclude(returned).await;
    }

    /// Runs the job until it returns or its cleanup time is over.
    async fn watch(&self, mut performing: Pin<&mut impl Future<Output = JobResult>>) -> Returned {
        tokio::select! {
            biased;
            result = performing.as_mut() => return Returned::Result(result),
            () = self.told_to_stop() => {}
        }
        let left = self.running.job.job().cancel().time_left();
        tokio::time::timeout(left, performing).await.map_or(Returned::Overran, Returned::Result)
    }

    /// What it returned; an output that is too large to be stored is an error like any other of the job's.
    fn fitting(&self, returned: Returned) -> Returned {
        let Returned::Result(Ok(output)) = &returned else { return returned };
        match self.shared.jobs.check_output(self.running.job.name(), output.as_json()) {
            Ok(()) => returned,
            Err(too_large) => Returned::Result(Err(too_large.into())),
        }
    }

    /// Waits for the cancel signal, and fires it when the job's timeout has passed.
    async fn told_to_stop(&self) {
        let signal = self.running.job.job().cancel();
        let Some(timeout) = self.running.handler.handling.timeout else { return signal.until_fired().await };
        if tokio::time::timeout(timeout, signal.until_fired()).await.is_err() {
            tracing::warn!(?timeout, "told to stop: it takes longer than its timeout");
            self.shared.running.cancel(self.running.job.id(), CancelReason::Timeout);
        }
    }

    async fn conclude(&self, returned: Returned) {
        let overran = matches!(returned, Returned::Overran);
        let job = self.running.job.job();
        let cancel = job.used_cancel();
        let signal = Seen {
            reason: cancel.and_then(CancelSignal::fired),
            seen: cancel.is_some_and(CancelSignal::was_seen),
            finished: job.finished.load(Ordering::Acquire),
        };
        if !self.running.take() {
            return;
        }
        let Some(outcome) = self.outcome(judge(signal, returned)).await else {
            tracing::warn!("its result does not count: the job belongs to another worker by now");
            return;
        };
        let at = self.shared.clock.now();
        self.log(&outcome, at);
        noter::flush(&self.shared, &self.running.job).await;
        let finished = Finished { lease: self.running.lease(), outcome, at };
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
            // In a box, so that the many attempts that succeed don't carry the room for calling error handlers.
            Judgement::Failed(error) => Box::pin(self.failed(error)).await,
            Judgement::HandedBack(error) => Outcome::HandedBack { failure: kept(error) },
            Judgement::Cancelled(error) => Outcome::Cancelled { failure: kept(error) },
            Judgement::Nothing => return None,
        })
    }

    async fn failed(&self, error: JobError) -> Outcome {
        let Running { job, handler, .. } = &*self.running;
        let outcome = classify(&handler.handling, &job.job().claimed, &error, self.shared.clock.now());
        let next = match &outcome {
            Outcome::Retry { at, .. } => WhatNext::Retry(*at),
            Outcome::Dead { reason, .. } => WhatNext::Dead(reason.clone()),
            _ => return outcome,
        };
        failure::tell(&self.shared, handler, job, &next, &error).await;
        outcome
    }

    fn log(&self, outcome: &Outcome, at: Timestamp) {
        let ms = at.duration_since(self.running.job.started_at()).as_millis();
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
        let lease = self.running.lease();
        if self.running.take() {
            self.shared.outcomes.send_now(handed_back(&self.shared, lease));
        }
        self.shared.running.remove(lease);
    }
}
