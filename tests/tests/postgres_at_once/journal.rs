use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use jobwork::{Attempt, BatchId, JobId, JobState, Lease, Outcome, Record};

/// What all of them know together: the time, the jobs, and what was made of them.
pub(crate) struct Journal {
    clock: AtomicI64,
    entries: Mutex<Entries>,
}

#[derive(Default)]
pub(crate) struct Entries {
    /// The jobs that were stored.
    pub(crate) jobs: Vec<JobId>,
    pub(crate) batches: Vec<BatchId>,
    /// Those that are gone when they have completed.
    pub(crate) brief: HashSet<JobId>,
    /// Who runs each job.
    running: HashMap<JobId, Lease>,
    /// By job and claim, what became of each run.
    runs: BTreeMap<(JobId, u64), Run>,
    /// So many jobs were forgotten: deleted, pruned, or completed and brief.
    pub(crate) forgotten: usize,
    /// The ticks that were fired.
    pub(crate) ticks: BTreeSet<Timestamp>,
}

/// A run, and what became of it; nothing where its worker died or left.
#[derive(Debug)]
struct Run {
    lease: Lease,
    outcome: Option<Outcome>,
}

impl Run {
    /// Whether an entry in the history may be this run's.
    fn is(&self, entry: &Attempt) -> bool {
        let word = entry.outcome.as_str();
        let told = match &self.outcome {
            // A poison pill is dead.
            None => ["rescued", "dead", "handed back", "cancelled"].contains(&word),
            Some(Outcome::Completed { .. }) => false,
            Some(outcome) => outcome.word() == Some(word) || outcome.runs_again() && word == "cancelled",
        };
        told && (self.lease.worker, self.lease.attempt) == (entry.worker, entry.attempt)
    }

    /// Whether this run may have left no entry in the history.
    fn is_silent(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Completed { .. } | Outcome::Unstarted))
    }
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { clock: AtomicI64::new(1_800_000_000_000), entries: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock.load(Ordering::Relaxed)).unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap()
    }
}

impl Entries {
    /// So many jobs were stored, and so many of them forgotten since.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.jobs.len(), self.forgotten)
    }

    /// A living worker was handed this job; nobody else may have it.
    pub(crate) fn begin(&mut self, lease: Lease) {
        let other = self.running.insert(lease.job, lease);
        assert!(other.is_none(), "{lease:?} was handed out while {other:?} runs");
        self.lose(lease);
    }

    /// A worker that may have died by now was handed this job.
    pub(crate) fn lose(&mut self, lease: Lease) {
        self.runs.insert((lease.job, lease.claim), Run { lease, outcome: None });
    }

    /// Whoever runs this job is about to let it go.
    pub(crate) fn let_go(&mut self, lease: Lease) {
        self.running.remove(&lease.job);
    }

    /// This outcome was stored.
    pub(crate) fn end(&mut self, lease: Lease, outcome: Outcome) {
        let completed = matches!(outcome, Outcome::Completed { .. });
        self.forgotten += usize::from(completed && self.brief.contains(&lease.job));
        self.runs.get_mut(&(lease.job, lease.claim)).expect("what ends was begun").outcome = Some(outcome);
    }

    /// Whether a job ran as its history says.
    pub(crate) fn check(&self, job: &Record, history: &[Attempt]) {
        let runs: Vec<&Run> = self.runs.range((job.id, 0)..=(job.id, u64::MAX)).map(|(_, run)| run).collect();
        assert!(tells(history, &runs), "{} ran as {runs:?}, but its history is {history:?}", job.id);
        let completed = runs.last().is_some_and(|run| matches!(run.outcome, Some(Outcome::Completed { .. })));
        assert!(completed || job.state != JobState::Completed, "nobody completed {}", job.id);
    }
}

/// Whether these entries are what these runs left, one after the other.
fn tells(history: &[Attempt], runs: &[&Run]) -> bool {
    let Some((run, runs)) = runs.split_first() else { return history.is_empty() };
    let tells_of = history.first().is_some_and(|entry| run.is(entry)) && tells(&history[1..], runs);
    tells_of || run.is_silent() && tells(history, runs)
}
