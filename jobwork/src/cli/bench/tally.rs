use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

use super::nothing::Nothing;

/// The jobs of one measure, and how often they have run.
#[derive(Debug)]
pub(super) struct Tally {
    measure: u64,
    /// When each was first started.
    started: Vec<OnceLock<Instant>>,
    ran: AtomicUsize,
    /// How many runs somebody waits for.
    wanted: AtomicUsize,
    reached: Notify,
}

impl Tally {
    /// None of `count` jobs has run.
    pub(super) fn new(count: usize) -> Self {
        Self {
            measure: uuid::Uuid::new_v4().as_u64_pair().0,
            started: (0..count).map(|_| OnceLock::new()).collect(),
            ran: AtomicUsize::new(0),
            wanted: AtomicUsize::new(count),
            reached: Notify::new(),
        }
    }

    /// How many jobs the measure has.
    pub(super) fn len(&self) -> usize {
        self.started.len()
    }

    /// The job of this number, to be dispatched.
    pub(super) fn job(&self, number: usize) -> Nothing {
        Nothing { measure: self.measure, number }
    }

    /// The job runs. One that a killed process left behind is of another measure, and counts for nothing.
    pub(super) fn count(&self, job: &Nothing) {
        let Some(started) = self.started.get(job.number).filter(|_| job.measure == self.measure) else { return };
        let _ = started.set(Instant::now());
        let ran = self.ran.fetch_add(1, Ordering::SeqCst) + 1;
        if ran >= self.wanted.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    /// How many runs there were so far.
    pub(super) fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }

    /// When the job of this number was started.
    pub(super) fn started(&self, number: usize) -> Option<Instant> {
        self.started.get(number)?.get().copied()
    }

    /// Waits until there were so many runs. One task may wait at a time. Cancel safe.
    pub(super) async fn reach(&self, wanted: usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        while self.ran() < wanted {
            self.reached.notified().await;
        }
    }

    /// Checks that each job ran exactly once.
    ///
    /// # Errors
    /// How many did not run, and how many runs there were.
    pub(super) fn check(&self) -> Result<(), String> {
        let missed = self.started.iter().filter(|started| started.get().is_none()).count();
        if (missed, self.ran()) == (0, self.len()) {
            return Ok(());
        }
        Err(format!(
            "expected each of {} jobs to run once; {missed} did not run, and there were {} runs",
            self.len(),
            self.ran()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_runs_twice_is_noticed() {
        let tally = Tally::new(2);
        tally.count(&tally.job(0));
        assert!(tally.check().unwrap_err().contains("1 did not run, and there were 1 runs"));
        tally.count(&tally.job(1));
        tally.check().unwrap();
        tally.count(&tally.job(1));
        assert!(tally.check().unwrap_err().contains("0 did not run, and there were 3 runs"));
    }

    #[test]
    fn a_job_in_the_place_of_another_is_noticed() {
        let tally = Tally::new(2);
        tally.count(&tally.job(0));
        tally.count(&tally.job(0));
        assert!(tally.check().unwrap_err().contains("1 did not run, and there were 2 runs"));
    }

    #[test]
    fn what_an_earlier_run_left_behind_does_not_count() {
        let (tally, earlier) = (Tally::new(1), Tally::new(7));
        tally.count(&earlier.job(0));
        tally.count(&earlier.job(6));
        assert_eq!((tally.ran(), tally.started(0)), (0, None));
    }
}
