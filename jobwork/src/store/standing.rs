//! Claims that stand: a worker that found nothing is handed jobs in the commit that makes them ready.
//!
//! So a job that comes to an idle worker costs one commit and not two, and starts as soon as it is stored. A claim that was
//! answered with less than it asked for stands on for a moment, so that the commits until the worker asks again can hand
//! over too; what they do lies there until it asks. Where it doesn't, because its runtime is blocked or it has no more room,
//! that is taken back.

#[cfg(feature = "postgres")]
mod room;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;

#[cfg(feature = "postgres")]
pub(super) use self::room::Room;
use super::{Batch, Claim};
use crate::job::{Finished, Outcome};

/// What lies for longer than this may go to another worker.
const TAKEN_WITHIN: Duration = Duration::from_millis(200);

/// How jobs come back that nobody took.
#[derive(Clone)]
pub(super) struct GiveBack(Arc<dyn Fn(Vec<Finished>) + Send + Sync>);

impl GiveBack {
    pub(super) fn new(give_back: impl Fn(Vec<Finished>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(give_back))
    }
}

impl fmt::Debug for GiveBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GiveBack")
    }
}

/// The claims that stand at one store.
#[derive(Debug, Default)]
pub(super) struct StandingClaims(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    /// The number of the last one.
    last: u64,
    claims: Vec<StandingClaim>,
}

/// A claim that can be handed something.
#[derive(Clone, Debug)]
pub(super) struct Hungry {
    number: u64,
    pub(super) claim: Claim,
    back: GiveBack,
}

impl Standing {
    fn find(&mut self, number: u64) -> Option<&mut StandingClaim> {
        self.claims.iter_mut().find(|claim| claim.number == number)
    }
}

/// A claim that stands.
#[derive(Debug)]
struct StandingClaim {
    number: u64,
    /// What it may still get.
    claim: Claim,
    /// How many jobs that are being stored have room kept for them.
    kept: usize,
    /// Who waits for the answer; nobody between two calls of the worker.
    caller: Option<oneshot::Sender<()>>,
    lying: Option<Handed>,
    /// When it was answered.
    since: Instant,
    /// When it was handed something first since its worker last looked at all that is ready.
    handed: Option<Instant>,
    back: GiveBack,
}

impl StandingClaim {
    /// Whether it was answered, and the worker has not asked again.
    fn is_left(&self) -> bool {
        self.caller.is_none()
    }

    fn is_late(&self) -> bool {
        self.is_left() && self.since.elapsed() > TAKEN_WITHIN
    }

    /// Whether it stands on, and is of the worker who makes this one.
    fn is_of(&self, claim: &Claim) -> bool {
        self.is_left() && self.claim.worker == claim.worker && self.claim.names == claim.names
    }

    fn can_get(&self) -> bool {
        let awaited = self.caller.as_ref().is_none_or(|caller| !caller.is_closed());
        self.claim.limit > 0 && awaited && !self.is_late()
    }

    fn hungry(&self) -> Hungry {
        Hungry { number: self.number, claim: self.claim.clone(), back: self.back.clone() }
    }

    fn get(&mut self, handed: Handed) {
        self.claim.limit = self.claim.limit.saturating_sub(handed.jobs());
        self.handed.get_or_insert_with(Instant::now);
        match &mut self.lying {
            Some(lying) => lying.add(handed),
            None => self.lying = Some(handed),
        }
        if let Some(caller) = self.caller.take() {
            self.since = Instant::now();
            // Where nobody waits any more the claim is about to go, and gives back what lies there.
            let _ = caller.send(());
        }
    }
}

impl StandingClaims {
    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a claim up. One of the same worker that was answered and stands on goes on as this one, since it may be being handed
    /// something at this moment.
    pub(super) fn stand(self: &Arc<Self>, claim: Claim, back: GiveBack) -> Answer {
        let (caller, told) = oneshot::channel();
        let mut standing = self.lock();
        let left = standing.claims.iter().position(|left| left.is_of(&claim));
        let left = left.map(|left| standing.claims.swap_remove(left));
        let number = left.as_ref().map_or(standing.last + 1, |left| left.number);
        standing.last = standing.last.max(number);
        let mut stands = StandingClaim {
            number,
            claim,
            kept: 0,
            caller: Some(caller),
            lying: None,
            since: Instant::now(),
            handed: None,
            back,
        };
        if let Some(StandingClaim { kept, lying, handed, .. }) = left {
            (stands.kept, stands.handed) = (kept, handed);
            stands.claim.limit = stands.claim.limit.saturating_sub(kept);
            lying.into_iter().for_each(|lying| stands.get(lying));
        }
        standing.claims.push(stands);
        Answer { standing: Arc::clone(self), number, told: Some(told) }
    }

    /// The worker of a claim that stands on asks for itself. What lies there is part of the answer already, and the claim is handed
    /// at most `meanwhile` until that [is answered](Self::resume): it asks for so many fewer, but for one where there is room for
    /// any, since a look that was skipped would miss what nobody hands over.
    pub(super) fn pause(&self, claim: &mut Claim, meanwhile: usize) -> Option<Paused> {
        let mut standing = self.lock();
        let left = standing.claims.iter_mut().find(|left| left.is_of(claim))?;
        let (number, kept, mut lying) = (left.number, left.kept, left.lying.take());
        let excess = lying.as_mut().and_then(|lying| lying.split_off(claim.limit));
        let asks = claim.limit > 0;
        claim.limit -= lying.as_ref().map_or(0, Handed::jobs);
        let limit = claim.limit;
        claim.limit = limit.saturating_sub(kept).max(limit.min(1));
        let meanwhile = meanwhile.min(claim.limit.saturating_sub(1));
        left.claim.limit = meanwhile;
        claim.limit -= meanwhile;
        drop(standing);
        drop(excess);
        asks.then_some(Paused { number, limit, handed: lying })
    }

    /// Nobody waits for the answer any more. The claim is handed nothing until its worker has asked for itself; gives what lay
    /// there.
    fn rest(&self, number: u64) -> Option<Handed> {
        let mut standing = self.lock();
        let rests = standing.claims.iter_mut().find(|claim| claim.number == number)?;
        rests.caller = None;
        rests.since = Instant::now();
        rests.claim.limit = 0;
        rests.lying.take()
    }

    /// The worker of a [paused](Self::pause) claim is given what was found: its claim stands on for as many as are lacking.
    pub(super) fn resume(&self, Place { number, limit }: Place, found: &Batch) {
        if let Some(paused) = self.lock().find(number) {
            let lies = paused.lying.as_ref().map_or(0, Handed::jobs);
            paused.claim.limit = limit.saturating_sub(found.jobs.len() + lies + paused.kept);
            paused.since = Instant::now();
            // Where there was no room for any, there was no look.
            paused.handed = paused.handed.filter(|_| limit == 0);
        }
    }

    /// The claims that can be handed something and of which this is true. Not those whose workers were handed something for longer
    /// than `time` without having looked at all that is ready.
    pub(super) fn hungry(&self, time: Duration, is: impl Fn(&Claim) -> bool) -> Vec<Hungry> {
        let standing = self.lock();
        let looks = |claim: &StandingClaim| claim.handed.is_some_and(|first| first.elapsed() > time);
        let hungry = standing.claims.iter().filter(|claim| claim.can_get() && !looks(claim) && is(&claim.claim));
        hungry.map(StandingClaim::hungry).collect()
    }

    /// Answers a claim with what was written for it.
    pub(super) fn hand(&self, Hungry { number, claim, back }: Hungry, batch: Batch) {
        let handed = Handed { batch, at: claim.now, back };
        // Where it is gone, what was for it goes back.
        if let Some(standing) = self.lock().claims.iter_mut().find(|standing| standing.number == number) {
            standing.get(handed);
        }
    }

    /// Takes back what nobody has taken in time: it runs nowhere, and another worker may be free.
    pub(super) fn take_back(&self) {
        let late: Vec<_> = self.lock().claims.extract_if(.., |claim| claim.is_late()).collect();
        drop(late);
    }

    /// Ends all claims.
    #[cfg(feature = "sqlite")]
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut self.lock().claims);
        drop(all);
    }
}

/// A claim whose worker asks for itself.
#[derive(Debug)]
pub(super) struct Paused {
    number: u64,
    /// What it asked for, without what lay there.
    limit: usize,
    /// What lay there.
    handed: Option<Handed>,
}

/// Which claim [`StandingClaims::resume`] is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    number: u64,
    limit: usize,
}

impl Paused {
    pub(super) fn place(&self) -> Place {
        Place { number: self.number, limit: self.limit }
    }

    /// Whether its worker has room for more than so many.
    #[cfg(feature = "postgres")]
    pub(super) fn has_more_room(&self, jobs: usize) -> bool {
        self.limit > jobs
    }

    /// The answer: what lay there, and what was found besides.
    pub(super) fn and(self, found: Batch) -> Batch {
        let Some(handed) = self.handed else { return found };
        let mut batch = handed.take();
        batch.jobs.extend(found.jobs);
        Batch { next_due: found.next_due, ..batch }
    }
}

/// The answer to a claim that stands.
#[derive(Debug)]
pub(super) struct Answer {
    standing: Arc<StandingClaims>,
    number: u64,
    told: Option<oneshot::Receiver<()>>,
}

impl Answer {
    /// Waits for it. It is empty where it was taken back meanwhile, and `None` at the end of the writer.
    pub(super) async fn wait(mut self) -> Option<Batch> {
        self.told.as_mut()?.await.ok()?;
        // From here on the claim stands on by itself.
        self.told = None;
        let mut standing = self.standing.lock();
        let claim = standing.claims.iter_mut().find(|claim| claim.number == self.number);
        let handed = claim.and_then(|claim| claim.lying.take());
        drop(standing);
        Some(handed.map(Handed::take).unwrap_or_default())
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.told.is_some() {
            drop(self.standing.rest(self.number));
        }
    }
}

/// Jobs on their way to a worker. They are given back unless it takes them.
#[derive(Debug)]
pub(super) struct Handed {
    batch: Batch,
    at: Timestamp,
    back: GiveBack,
}

impl Handed {
    fn take(mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    fn jobs(&self) -> usize {
        self.batch.jobs.len()
    }

    /// Takes off what is more than so many, if anything is.
    fn split_off(&mut self, most: usize) -> Option<Self> {
        let more = self.batch.jobs.split_off(most.min(self.jobs()));
        let more = Batch { jobs: more, next_due: None };
        (!more.jobs.is_empty()).then(|| Self { batch: more, at: self.at, back: self.back.clone() })
    }

    fn add(&mut self, more: Self) {
        let batch = more.take();
        self.batch.jobs.extend(batch.jobs);
        self.batch.next_due = self.batch.next_due.into_iter().chain(batch.next_due).min();
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let back = self.batch.jobs.drain(..);
        let back = back.map(|job| Finished { lease: job.lease, outcome: Outcome::Unstarted, at: self.at });
        let back: Vec<Finished> = back.collect();
        if !back.is_empty() {
            (self.back.0)(back);
        }
    }
}
