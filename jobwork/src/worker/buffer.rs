use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::crowd::Place;
use crate::job::Claimed;

/// What one fetcher has claimed and nobody has begun. The fetcher puts jobs in, and its runners take them out.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    ahead: Mutex<Ahead>,
    /// It is worth a look.
    low: Notify,
}

/// A claimed job, and its place in its queue's crowd.
type Held = (Claimed, Option<Place>);

#[derive(Debug, Default)]
struct Ahead {
    jobs: VecDeque<Held>,
    /// So many were taken out.
    taken: u64,
    /// The fetcher is told when so many are left.
    low: usize,
}

impl Buffer {
    fn lock(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts jobs in behind those that are there.
    pub(crate) fn extend(&self, jobs: impl IntoIterator<Item = Held>) {
        let mut ahead = self.lock();
        for job in jobs {
            ahead.jobs.push_back(job);
        }
    }

    /// Takes the next job out and begins it, in one step: whoever looks finds it here or among the running ones.
    pub(crate) fn next<T>(&self, begin: impl FnOnce(Claimed, Option<Place>) -> T) -> Option<T> {
        let mut ahead = self.lock();
        let (job, place) = ahead.jobs.pop_front()?;
        ahead.taken += 1;
        let left = ahead.jobs.len();
        if left == ahead.low || left == 0 {
            self.look();
        }
        Some(begin(job, place))
    }

    /// Takes all jobs out that have not begun.
    pub(crate) fn take_all(&self) -> VecDeque<Held> {
        std::mem::take(&mut self.lock().jobs)
    }

    /// How many jobs are ahead. When no more than `low` are, [`is_low`](Self::is_low) tells.
    pub(crate) fn len(&self, low: usize) -> usize {
        let mut ahead = self.lock();
        ahead.low = low;
        ahead.jobs.len()
    }

    /// Whether nothing is ahead.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().jobs.is_empty()
    }

    /// How many jobs were taken out so far.
    pub(crate) fn taken(&self) -> u64 {
        self.lock().taken
    }

    /// Has the fetcher look.
    pub(crate) fn look(&self) {
        self.low.notify_one();
    }

    /// Waits until there are as few jobs ahead as were named last, or none at all. Cancel safe.
    pub(crate) async fn is_low(&self) {
        self.low.notified().await;
    }
}
