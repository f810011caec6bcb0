//! Claims that stand: a worker that found nothing is handed jobs in the commit that makes them ready.
//!
//! So a job that comes to an idle worker costs one commit and not two, and starts as soon as it is stored.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::writer::Tasks;
use crate::job::{Finished, Outcome};
use crate::store::{Batch, Claim};

/// A claim that stands, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) claim: Claim,
    caller: oneshot::Sender<Handed>,
    /// How jobs come back that nobody took.
    tasks: Tasks,
}

/// The claims that stand at one file.
#[derive(Debug, Default)]
pub(super) struct StandingClaims(Mutex<Vec<Standing>>);

impl StandingClaims {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a claim up; the answer comes with the first commit that has something for it.
    pub(super) fn add(&self, claim: Claim, tasks: Tasks) -> oneshot::Receiver<Handed> {
        let (caller, answer) = oneshot::channel();
        self.lock().push(Standing { claim, caller, tasks });
        answer
    }

    /// Takes out those that somebody still waits for.
    pub(super) fn take(&self) -> Vec<Standing> {
        let mut standing = std::mem::take(&mut *self.lock());
        standing.retain(Standing::is_awaited);
        standing
    }

    /// Puts back those that got nothing.
    pub(super) fn put_back(&self, standing: impl IntoIterator<Item = Standing>) {
        // One that nobody awaits would keep the writer's thread for ever.
        self.lock().extend(standing.into_iter().filter(Standing::is_awaited));
    }
}

impl Standing {
    fn is_awaited(&self) -> bool {
        !self.caller.is_closed()
    }

    /// Answers the claim with what was written for it.
    pub(super) fn hand(self, batch: Batch) {
        // Where nobody waits any more the jobs come back to be dropped, which gives them back.
        drop(self.caller.send(Handed { batch, at: self.claim.now, tasks: self.tasks }));
    }
}

/// Jobs on their way to a worker. They are given back unless it takes them.
#[derive(Debug)]
pub(super) struct Handed {
    batch: Batch,
    at: jiff::Timestamp,
    tasks: Tasks,
}

impl Handed {
    pub(super) fn take(mut self) -> Batch {
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
