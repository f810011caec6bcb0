use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use jobwork::store::{
    Batch, Beat, BeatKind, Claim, Control, InTransaction, Inspect, Notes, Prune, Push, Rescue, Schedules, Settled,
    Signals, Store, Stored, Topic, Upkeep, Wakeups,
};
use jobwork::{Error, Finished, JobContext, JobId, JobResult, Middleware, Next, Result};

use crate::history::{Event, History, Run, word};

/// A store whose calls are written down; it changes nothing of what they do.
#[derive(Debug)]
pub struct Recorded {
    store: Arc<dyn Store>,
    history: History,
    /// The latest run of each job in this process.
    runs: Mutex<HashMap<JobId, Run>>,
}

impl Recorded {
    /// What is done with `store` goes into `history`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, history: History) -> Self {
        Self { store, history, runs: Mutex::default() }
    }

    /// Middleware for the apps of this store, which writes down what becomes of each run.
    #[must_use]
    pub fn middleware(self: &Arc<Self>) -> impl Middleware + use<> {
        let recorded = Arc::clone(self);
        move |job, next| watch(Arc::clone(&recorded), job, next)
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<JobId, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claimed(&self, batch: &Batch) {
        for job in &batch.jobs {
            let run = Run::from(job.lease);
            self.runs().insert(run.job, run);
            self.history.add(Event::Claimed { run, args: job.args.clone() });
        }
    }
}

async fn watch(recorded: Arc<Recorded>, job: JobContext, next: Next) -> JobResult {
    let run = recorded.runs().get(&job.id()).copied();
    let Some(run) = run.filter(|run| run.worker == job.worker() && run.attempt == job.attempt()) else {
        // Performed under a lease that no claim has given it: the checker would have nothing to hold on to.
        panic!("the job {} runs in attempt {} without a claim", job.id(), job.attempt());
    };
    let history = recorded.history.clone();
    history.add(Event::Started { run });
    let signal = job.cancel_signal();
    let told = async {
        let reason = signal.cancelled().await;
        history.add(Event::Signalled { run, reason: reason.to_string() });
        std::future::pending().await
    };
    let result = tokio::select! {
        biased;
        result = next.run(job) => result,
        never = told => never,
    };
    let what = result.as_ref().err().map_or_else(|| "ok".to_owned(), ToString::to_string);
    recorded.history.add(Event::Returned { run, what });
    result
}

#[async_trait]
impl Store for Recorded {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        self.store.push(push).await
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        let batch = self.store.claim(claim).await?;
        self.claimed(&batch);
        Ok(batch)
    }

    async fn claim_when_ready(&self, claim: Claim) -> Result<Batch> {
        let batch = self.store.claim_when_ready(claim).await?;
        self.claimed(&batch);
        Ok(batch)
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        let each = || finished.iter().map(|finished| (finished.lease.into(), word(&finished.outcome).to_owned()));
        each().for_each(|(run, outcome)| self.history.add(Event::Writing { run, outcome }));
        let settled = self.store.finish(Arc::clone(&finished)).await?;
        for ((run, outcome), settled) in each().zip(&settled) {
            self.history.add(Event::Written { run, outcome, stored: *settled == Settled::Stored });
        }
        Ok(settled)
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        let joined = (beat.kind == BeatKind::Join).then_some(beat.worker.id);
        if beat.kind == BeatKind::Leave {
            self.history.add(Event::Leaving { worker: beat.worker.id });
        }
        let heard = self.store.beat(beat).await?;
        joined.into_iter().for_each(|worker| self.history.add(Event::Joined { worker }));
        Ok(heard)
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        self.store.wakeups(topic)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        self.store.upkeep().is_some().then_some(self)
    }

    fn notes(&self) -> Option<&dyn Notes> {
        self.store.notes()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.store.inspect()
    }

    fn schedules(&self) -> Option<&dyn Schedules> {
        self.store.schedules()
    }

    fn control(&self) -> Option<&dyn Control> {
        self.store.control()
    }

    fn in_transaction(&self) -> Option<InTransaction<'_>> {
        self.store.in_transaction()
    }
}

#[async_trait]
impl Upkeep for Recorded {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        let upkeep = self.store.upkeep().ok_or_else(none)?;
        self.history.add(Event::Rescuing);
        let jobs = upkeep.rescue(rescue).await?;
        self.history.add(Event::Rescued { jobs: jobs.clone() });
        Ok(jobs)
    }

    async fn prune(&self, prune: Prune) -> Result<usize> {
        self.store.upkeep().ok_or_else(none)?.prune(prune).await
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.store.upkeep().ok_or_else(none)?.expire(now, limit).await
    }
}

fn none() -> Error {
    Error::store("the store has no such power")
}
