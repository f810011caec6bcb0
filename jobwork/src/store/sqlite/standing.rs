//! Claims that stand: a worker that found nothing is handed jobs in the commit that makes them ready.
//!
//! So a job that comes to an idle worker costs one commit and not two, and starts as soon as it is stored. What is handed over
//! lies in a place from which the worker takes it; where it doesn't, because its runtime is blocked, it is taken back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::writer::Tasks;
use crate::job::{Finished, Outcome};
use crate::store::{Batch, Claim};

/// What lies for longer than this may go to another worker.
const TAKEN_WITHIN: Duration = Duration::from_millis(200);

/// A claim that stands, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) claim: Claim,
    place: Arc<Place>,
    caller: oneshot::Sender<()>,
    /// How jobs come back that nobody took.
    tasks: Tasks,
}

/// Where the answer to a claim lies until it is taken.
type Place = Mutex<Option<Handed>>;

/// The answer to a claim that stands.
#[derive(Debug)]
pub(super) struct Answer {
    place: Arc<Place>,
    told: oneshot::Receiver<()>,
}

/// The claims that stand at one file.
#[derive(Debug, Default)]
pub(super) struct StandingClaims {
    standing: Mutex<Vec<Standing>>,
    /// Since when answers lie.
    handed: Mutex<Vec<(Instant, Weak<Place>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StandingClaims {
    /// Puts a claim up; the answer comes with the first commit that has something for it.
    pub(super) fn add(&self, claim: Claim, tasks: Tasks) -> Answer {
        let (caller, told) = oneshot::channel();
        let place = Arc::default();
        lock(&self.standing).push(Standing { claim, place: Arc::clone(&place), caller, tasks });
        Answer { place, told }
    }

    /// Takes out those that somebody still waits for.
    pub(super) fn take(&self) -> Vec<Standing> {
        let mut standing = std::mem::take(&mut *lock(&self.standing));
        standing.retain(Standing::is_awaited);
        standing
    }

    /// Puts back those that got nothing.
    pub(super) fn put_back(&self, standing: impl IntoIterator<Item = Standing>) {
        // One that nobody awaits would keep the writer's thread for ever.
        lock(&self.standing).extend(standing.into_iter().filter(Standing::is_awaited));
    }

    /// Answers a claim with what was written for it.
    pub(super) fn hand(&self, standing: Standing, batch: Batch) {
        let Standing { claim, place, caller, tasks } = standing;
        *lock(&place) = Some(Handed { batch, at: claim.now, tasks });
        let mut handed = lock(&self.handed);
        handed.retain(|(_, place)| place.strong_count() > 0);
        handed.push((Instant::now(), Arc::downgrade(&place)));
        // Where nobody waits any more the place goes with what lies in it, which gives it back.
        let _ = caller.send(());
    }

    /// Takes back what nobody has taken in time: it runs nowhere, and another worker may be free.
    pub(super) fn take_back(&self) {
        let late = |(since, _): &mut (Instant, Weak<Place>)| since.elapsed() > TAKEN_WITHIN;
        let late: Vec<_> = lock(&self.handed).extract_if(.., late).collect();
        for place in late.iter().filter_map(|(_, place)| place.upgrade()) {
            drop(lock(&place).take());
        }
    }
}

impl Standing {
    fn is_awaited(&self) -> bool {
        !self.caller.is_closed()
    }
}

impl Answer {
    /// Waits for it. It is empty where it was taken back meanwhile, and `None` at the end of the writer.
    pub(super) async fn wait(self) -> Option<Batch> {
        self.told.await.ok()?;
        let handed = lock(&self.place).take();
        Some(handed.map(Handed::take).unwrap_or_default())
    }
}

/// Jobs on their way to a worker. They are given back unless it takes them.
#[derive(Debug)]
struct Handed {
    batch: Batch,
    at: Timestamp,
    tasks: Tasks,
}

impl Handed {
    fn take(mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let back = self.batch.jobs.drain(..);
        let back = back.map(|job| Finished { lease: job.lease, outcome: Outcome::Unstarted, at: self.at });
        let back: Vec<Finished> = back.collect();
        if !back.is_empty() {
            self.tasks.give_back(back);
        }
    }
}
