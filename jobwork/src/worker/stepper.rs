use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::app::App;
use super::attempt;
use super::noter;
use super::shared::Shared;
use super::start::{prepare, served};
#[cfg(feature = "cron")]
use super::ticker::Ticker;
use crate::client::{Jobs, current};
use crate::error::Result;
use crate::job::{Claimed, Job, JobError, JobId, Lease};
use crate::perform::{JobContext, JobResult, Notebook};
use crate::store::{Beat, BeatKind, Claim, Served, WorkerState};

/// A worker that performs one job when it is told to, and does nothing by itself: what tests are made of.
#[derive(Debug)]
pub(crate) struct Stepper {
    shared: Arc<Shared>,
    names: Arc<[Served]>,
    #[cfg(feature = "cron")]
    ticker: tokio::sync::Mutex<Ticker>,
    /// The settler and the noter, which end with this.
    _parts: JoinSet<()>,
}

/// What there was to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// This job had an attempt.
    Performed(JobId),
    /// Nothing is ready; the next job, or tick of a schedule, is due then, if one is.
    Nothing(Option<Timestamp>),
}

/// Longer than any test's clock moves.
const LEASE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// So many expired jobs are ended in one call.
const EXPIRED: usize = 1_000;

impl Stepper {
    /// Joins the store, calls the start hooks and declares the schedules.
    pub(crate) async fn start(app: App) -> Result<Self> {
        let (shared, (settler, slips), hooks) = prepare(app.into_parts().await?)?;
        let beat = Beat {
            worker: shared.identity.get(),
            kind: BeatKind::Join,
            state: WorkerState::Running,
            running: 0,
            lease: LEASE,
            now: shared.clock.now(),
        };
        shared.store.beat(beat).await?;
        hooks.start(&shared.jobs).await?;
        shared.state.send_replace(WorkerState::Running);
        #[cfg(feature = "cron")]
        let ticker = Ticker::new(Arc::clone(&shared));
        #[cfg(feature = "cron")]
        if !shared.crons.is_empty() {
            ticker.declare().await?;
        }
        let mut parts = JoinSet::new();
        parts.spawn(settler.run());
        parts.spawn(noter::run(Arc::clone(&shared), slips));
        let names = shared.handlers.iter().map(|(name, handler)| served(name, handler)).collect();
        Ok(Self {
            shared,
            names,
            #[cfg(feature = "cron")]
            ticker: tokio::sync::Mutex::new(ticker),
            _parts: parts,
        })
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    /// Ends what has expired.
    pub(crate) async fn expire(&self) -> Result<()> {
        let Some(upkeep) = self.shared.store.upkeep() else { return Ok(()) };
        while upkeep.expire(self.shared.clock.now(), EXPIRED).await? == EXPIRED {}
        Ok(())
    }

    /// Makes the jobs of ticks that are due, and says when the next tick is.
    #[cfg(feature = "cron")]
    async fn tick(&self) -> Result<Option<Timestamp>> {
        if self.shared.crons.is_empty() { Ok(None) } else { self.ticker.lock().await.turn().await }
    }

    #[cfg(not(feature = "cron"))]
    async fn tick(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    /// Claims one job of any queue, and performs it to its recorded outcome. Before that, schedules make what is due.
    pub(crate) async fn step(&self) -> Result<Step> {
        let next_tick = self.tick().await?;
        let now = self.shared.clock.now();
        let batch = loop {
            let claim = Claim::new(self.shared.identity.id(), Arc::clone(&self.names), 1, now);
            let batch = self.shared.store.claim(claim).await?;
            // Behind what had expired there may be jobs that are due.
            if !batch.jobs.is_empty() || batch.next_due.is_none_or(|due| due > now) {
                break batch;
            }
        };
        let Some(claimed) = batch.jobs.into_iter().next() else {
            return Ok(Step::Nothing(batch.next_due.into_iter().chain(next_tick).min()));
        };
        let lease = claimed.lease;
        if let Some(attempt) = attempt::begin(&self.shared, claimed, None, &Arc::default()) {
            self.shared.runtime.spawn(attempt.run());
        }
        self.shared.running.ended(lease).await;
        self.shared.outcomes.flush().await;
        Ok(Step::Performed(lease.job))
    }

    /// Performs these arguments as the first attempt of a `J`, past the store; `None` where the app has no such job.
    pub(crate) async fn perform<J: Job>(&self, args: String) -> Option<JobResult> {
        let handler = self.shared.handlers.get(J::NAME)?;
        let (shared, now) = (&self.shared, self.shared.clock.now());
        let lease = Lease { job: JobId::derive(0, now), attempt: 1, worker: shared.identity.id(), claim: 1 };
        let options = J::OPTIONS;
        let mut claimed = Claimed::new(lease, J::NAME.to_owned(), options.queue.to_owned(), args, now);
        claimed.priority = options.priority;
        claimed.retries = options.retries;
        claimed.version = options.version;
        let performed =
            Arc::clone(&handler.chain).run(JobContext::new(claimed, now, shared.states.clone(), Notebook::default()));
        Some(current::scope(shared.jobs.clone(), performed).await)
    }

    /// What a `J` returned, from the form in which middleware sees it.
    pub(crate) fn decode<J: Job>(&self, result: JobResult) -> Result<J::Output, JobError> {
        let output = result?.into_json();
        let unreadable = |error: &dyn std::fmt::Display| JobError::new(format!("can't read the output: {error}"));
        let output = self.jobs().open_output(J::NAME, &output).map_err(|error| unreadable(&error))?;
        serde_json::from_str(&output).map_err(|error| unreadable(&error))
    }
}
