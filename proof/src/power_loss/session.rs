//! A store in the hands of the program, from its opening to its end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use jiff::Timestamp;
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{
    Batch, Beat, BeatKind, Claim, Prune, Push, Rescue, Retention, Served, Settled, Store, Upkeep, WorkerInfo,
    WorkerState,
};
use jobwork::{Claimed, Finished, JobId, NewJob, Outcome, WorkerId};

use super::found::{self, Found};
use super::line::{Line, Lines};

/// The names of all jobs.
pub(super) const NAMES: [&str; 2] = ["job", "member"];

/// The longest a worker lives without a beat; none here beats twice.
const LEASE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What goes on from session to session.
#[derive(Debug)]
pub(super) struct Notebook {
    lines: Lines,
    calls: AtomicUsize,
    /// The jobs as they were looked at last.
    known: Mutex<HashMap<JobId, Found>>,
}

impl Notebook {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, calls: AtomicUsize::new(0), known: Mutex::default() }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, HashMap<JobId, Found>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The jobs of which this is true, in the order of their dispatch.
    pub(super) fn which(&self, is: impl Fn(&Found) -> bool) -> Vec<JobId> {
        let mut ids: Vec<_> = self.known().iter().filter(|(_, found)| is(found)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// The time it is: a second for each call so far, in the past of those who look.
    fn now(&self) -> Timestamp {
        let since = jiff::SignedDuration::from_secs(self.calls.load(Ordering::Relaxed) as i64);
        Timestamp::constant(1_700_000_000, 0).checked_add(since).expect("there are not so many calls")
    }
}

/// An open store, and a worker of it.
#[derive(Debug)]
pub(super) struct Session {
    store: Sqlite,
    worker: WorkerId,
    notebook: Arc<Notebook>,
}

impl Session {
    /// Opens the store, and rescues the jobs of the session before.
    pub(super) async fn open(file: &Path, notebook: &Arc<Notebook>) -> anyhow::Result<Self> {
        let (store, notebook) = (Sqlite::open(file).await?, Arc::clone(notebook));
        let session = Self { store, worker: WorkerId::fresh(), notebook };
        let rescue = Rescue { poison_after: 0, now: session.notebook.now() };
        session.call(session.store.rescue(rescue), Vec::clone).await?;
        session.call(join(&session.store, session.worker, session.notebook.now()), |()| Vec::new()).await?;
        Ok(session)
    }

    /// Makes a call, with its lines; `changed` are the jobs that it may have changed.
    async fn call<T>(
        &self,
        call: impl Future<Output = jobwork::Result<T>>,
        changed: impl FnOnce(&T) -> Vec<JobId>,
    ) -> anyhow::Result<T> {
        let (lines, number) = (&self.notebook.lines, self.notebook.calls.fetch_add(1, Ordering::Relaxed));
        lines.write(&Line::Begins(number))?;
        let answer = call.await?;
        lines.write(&Line::Acknowledged(number))?;
        let mut left = found::get(&self.store, &changed(&answer)).await?;
        {
            let mut known = self.notebook.known();
            left.retain(|(id, found)| known.get(id) != found.as_ref());
            for (id, found) in &left {
                match found {
                    Some(found) => drop(known.insert(*id, found.clone())),
                    None => drop(known.remove(id)),
                }
            }
        }
        lines.write(&Line::Left(number, left))?;
        Ok(answer)
    }

    pub(super) async fn push(&self, jobs: Vec<NewJob>) -> anyhow::Result<()> {
        let push = Push::of(jobs, self.notebook.now());
        self.call(self.store.push(push), |stored| stored.ids()).await.map(drop)
    }

    pub(super) async fn claim(&self, queue: &str, limit: usize) -> anyhow::Result<Vec<Claimed>> {
        let queues = Some([queue.to_owned()].into());
        let batch = self.call(claim(&self.store, self.worker, queues, limit, self.notebook.now()), ids).await?;
        Ok(batch.jobs)
    }

    /// Writes the outcomes of claimed jobs. What belongs to their chains may change too.
    pub(super) async fn finish(&self, outcomes: Vec<(Claimed, Outcome)>) -> anyhow::Result<()> {
        let at = self.notebook.now();
        let chains: Vec<_> = outcomes.iter().filter_map(|(job, _)| Some(job.chain.as_ref()?.chain)).collect();
        let mut changed = self
            .notebook
            .which(|found| found.record.chain.as_ref().is_some_and(|member| chains.contains(&member.chain)));
        changed.extend(outcomes.iter().filter(|(job, _)| job.chain.is_none()).map(|(job, _)| job.lease.job));
        let finished = outcomes.into_iter().map(|(job, outcome)| Finished { lease: job.lease, outcome, at });
        let settled = self.call(self.store.finish(finished.collect()), |_| changed).await?;
        ensure!(settled.iter().all(|settled| *settled == Settled::Stored), "an outcome was refused");
        Ok(())
    }

    pub(super) async fn cancel(&self, job: JobId) -> anyhow::Result<()> {
        let (inspect, now) = (found::inspect(&self.store)?, self.notebook.now());
        self.call(inspect.cancel(&[job], now), |_| vec![job]).await.map(drop)
    }

    pub(super) async fn delete(&self, job: JobId) -> anyhow::Result<()> {
        let (inspect, now) = (found::inspect(&self.store)?, self.notebook.now());
        self.call(inspect.delete(&[job], now), |_| vec![job]).await.map(drop)
    }

    /// Forgets some of the jobs that have ended.
    pub(super) async fn prune(&self, limit: usize) -> anyhow::Result<()> {
        let ended = self.notebook.which(|found| found.record.state.is_final());
        let keep = jobwork::store::Keep::for_time(Duration::ZERO);
        let retention = Retention::forever().completed(keep).discarded(keep).cancelled(keep).into();
        self.call(self.store.prune(Prune { retention, limit, now: self.notebook.now() }), |_| ended).await.map(drop)
    }
}

fn ids(batch: &Batch) -> Vec<JobId> {
    batch.jobs.iter().map(|job| job.lease.job).collect()
}

/// Makes a worker known.
pub(super) async fn join(store: &dyn Store, id: WorkerId, now: Timestamp) -> jobwork::Result<()> {
    let (host, queues) = ("here".to_owned(), Vec::new());
    let worker = WorkerInfo { id, host, pid: std::process::id(), queues, concurrency: 1, started_at: now }.into();
    let beat = Beat { worker, kind: BeatKind::Join, state: WorkerState::Running, running: 0, lease: LEASE, now };
    store.beat(beat).await.map(drop)
}

/// Asks for jobs of these queues, or of all.
pub(super) async fn claim(
    store: &dyn Store,
    worker: WorkerId,
    queues: Option<Arc<[String]>>,
    limit: usize,
    now: Timestamp,
) -> jobwork::Result<Batch> {
    let names = NAMES.map(|name| Served { name: name.to_owned(), version: 1 }).into();
    store.claim(Claim { worker, queues, names, limit, ageing: None, caps: [].into(), now }).await
}
