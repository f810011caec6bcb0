//! Whether each job ran exactly once, and how long it waited for that.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// What has run in this process.
pub(crate) static TALLY: Tally = Tally::new();

/// A measure in which nothing happens for this long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts the jobs that ran; every process of the benchmark has one.
#[derive(Debug)]
pub(crate) struct Tally {
    count: AtomicU64,
    sum: AtomicU64,
    failed: AtomicU64,
    expected: AtomicU64,
    reached: Notify,
    waits: Mutex<Vec<u64>>,
}

/// How many jobs, and which: two sets of as many numbers have one sum with a probability of 1 to 2^64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// How many.
    pub(crate) jobs: u64,
    /// The sum of their scrambled numbers.
    pub(crate) sum: u64,
}

impl Count {
    /// The count of these numbers, once each.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut count = Self::default();
        numbers.into_iter().for_each(|number| count.add(number));
        count
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, number: u64) {
        self.join(Self { jobs: 1, sum: scramble(number) });
    }

    /// Counts those that another process has counted.
    pub(crate) fn join(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// Fails unless just these ran, once each.
    pub(crate) fn check(self, expected: Self) -> Result<()> {
        match self == expected {
            true => Ok(()),
            false if self.jobs == expected.jobs => bail!("expected each job to run once, but some ran twice or never"),
            false => bail!("expected {} jobs to run, once each, but {} did", expected.jobs, self.jobs),
        }
    }
}

/// A permutation of the numbers that looks random (the finalizer of splitmix64).
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Tally {
    const fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            expected: AtomicU64::new(u64::MAX),
            reached: Notify::const_new(),
            waits: Mutex::new(Vec::new()),
        }
    }

    /// Begins anew, and will tell when so many jobs have run.
    pub(crate) fn expect(&self, jobs: u64) {
        for counter in [&self.count, &self.sum, &self.failed] {
            counter.store(0, Ordering::Release);
        }
        self.expected.store(jobs, Ordering::Release);
    }

    /// The job of this number ran.
    pub(crate) fn ran(&self, number: u64) {
        self.sum.fetch_add(scramble(number), Ordering::Relaxed);
        if self.count.fetch_add(1, Ordering::AcqRel) + 1 == self.expected.load(Ordering::Acquire) {
            self.reached.notify_one();
        }
    }

    /// The job of this number ran; it was dispatched, or meant to be, at this time of [`wall`].
    pub(crate) fn ran_since(&self, number: u64, sent: u64) {
        let waited = wall().saturating_sub(sent);
        self.waits.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(waited);
        self.ran(number);
    }

    /// An attempt failed, as it was meant to.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many attempts failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failed.load(Ordering::Acquire)
    }

    /// What ran so far.
    pub(crate) fn count(&self) -> Count {
        Count { jobs: self.count.load(Ordering::Acquire), sum: self.sum.load(Ordering::Acquire) }
    }

    /// How long each job waited, in nanoseconds.
    pub(crate) fn take_waits(&self) -> Vec<u64> {
        std::mem::take(&mut *self.waits.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Waits until as many jobs as are expected have run.
    pub(crate) async fn all_ran(&self) -> Result<()> {
        let mut before = None;
        while tokio::time::timeout(PATIENCE, self.reached.notified()).await.is_err() {
            let now = self.count();
            if before.replace(now) == Some(now) {
                bail!(
                    "expected {} jobs to run, but after {} none did for a minute",
                    self.expected.load(Ordering::Acquire),
                    now.jobs
                );
            }
        }
        Ok(())
    }
}

/// Nanoseconds since 1970: the clock that all processes share.
pub(crate) fn wall() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_ran_twice_in_place_of_another_is_noticed() {
        let expected = Count::of(0..100);
        assert!(Count::of((0..100).rev()).check(expected).is_ok());
        let twice = Count::of((0..99).chain([5])).check(expected).unwrap_err().to_string();
        assert!(twice.contains("twice or never"), "{twice}");
        let lost = Count::of(0..99).check(expected).unwrap_err().to_string();
        assert!(lost.contains("expected 100") && lost.contains("99 did"), "{lost}");
    }

    #[test]
    fn counts_of_processes_add_up() {
        let mut sum = Count::of((0..100).step_by(2));
        sum.join(Count::of((1..100).step_by(2)));
        assert_eq!(sum, Count::of(0..100));
    }

    #[tokio::test]
    async fn the_last_of_the_expected_jobs_ends_the_wait() {
        let tally = Tally::new();
        tally.expect(2);
        tally.ran(0);
        tally.ran_since(1, wall());
        tally.all_ran().await.unwrap();
        assert_eq!(tally.count(), Count::of(0..2));
        assert_eq!(tally.take_waits().len(), 1);
    }
}
