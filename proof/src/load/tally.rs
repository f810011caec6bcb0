//! How often each job of this process has run.
//!
//! There is one for the process, and so none that a worker would have to be given.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use tokio::sync::Notify;

/// No case has more jobs.
const MOST: usize = 1_000_000;

static RUNS: LazyLock<Vec<AtomicU8>> = LazyLock::new(|| (0..MOST).map(|_| AtomicU8::new(0)).collect());
static RAN: AtomicUsize = AtomicUsize::new(0);
static WANTED: AtomicUsize = AtomicUsize::new(usize::MAX);
static REACHED: Notify = Notify::const_new();
/// What else a case wants to know of a run.
static LATEST: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

/// The job of this number runs.
pub(super) fn count(number: usize) {
    if let Some(runs) = RUNS.get(number) {
        runs.fetch_add(1, Ordering::Relaxed);
    }
    if RAN.fetch_add(1, Ordering::SeqCst) + 1 >= WANTED.load(Ordering::SeqCst) {
        REACHED.notify_one();
    }
}

/// How many runs there were.
pub(super) fn ran() -> usize {
    RAN.load(Ordering::SeqCst)
}

/// Waits until there were so many runs. One task may wait at a time.
pub(super) async fn reach(wanted: usize) {
    WANTED.store(wanted, Ordering::SeqCst);
    while ran() < wanted {
        REACHED.notified().await;
    }
}

/// Fails where one of the jobs with the numbers below did not run, or ran twice.
pub(super) fn ensure_each_ran_once(count: usize) -> anyhow::Result<()> {
    let runs = || RUNS[..count].iter().map(|runs| runs.load(Ordering::Relaxed));
    let (missing, twice) = (runs().filter(|runs| *runs == 0).count(), runs().filter(|runs| *runs > 1).count());
    ensure!(missing == 0 && twice == 0, "of {count} jobs {missing} did not run, and {twice} ran more than once");
    Ok(())
}

/// Notes how long a job had to wait.
pub(super) fn note(wait: Duration) {
    LATEST.lock().unwrap_or_else(PoisonError::into_inner).push(wait);
}

/// All that was noted, the shortest first.
pub(super) fn noted() -> Vec<Duration> {
    let mut noted = LATEST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    noted.sort_unstable();
    noted
}
