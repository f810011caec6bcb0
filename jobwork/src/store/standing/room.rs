//! Room in claims that stand: two that store jobs at once must not give a worker more than it can take.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Hungry, StandingClaims};
use crate::store::{Batch, Claim};

/// Room in a claim that stands, which is kept for jobs while they are being stored.
#[derive(Debug)]
pub(in crate::store) struct Room {
    standing: Arc<StandingClaims>,
    hungry: Hungry,
}

impl Room {
    /// The claim, for as many jobs as there is room for.
    pub(in crate::store) fn claim(&self) -> &Claim {
        &self.hungry.claim
    }

    /// Answers the claim with what was stored at this time.
    pub(in crate::store) fn hand(self, batch: Batch, now: Timestamp) {
        let (standing, mut hungry) = (Arc::clone(&self.standing), self.hungry.clone());
        drop(self);
        hungry.claim.now = now;
        standing.hand(hungry, batch);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let jobs = self.hungry.claim.limit;
        if let Some(claim) = self.standing.lock().find(self.hungry.number) {
            claim.kept = claim.kept.saturating_sub(jobs);
            claim.claim.limit += jobs;
        }
    }
}

impl StandingClaims {
    /// Keeps room for these many jobs, or fewer, in a claim that is [hungry](Self::hungry).
    pub(in crate::store) fn keep(
        self: &Arc<Self>,
        jobs: usize,
        time: Duration,
        is: impl Fn(&Claim) -> bool,
    ) -> Option<Room> {
        let mut hungry = self.hungry(time, is).into_iter().next()?;
        let mut standing = self.lock();
        let claim = standing.find(hungry.number)?;
        hungry.claim.limit = jobs.min(claim.claim.limit);
        claim.claim.limit -= hungry.claim.limit;
        claim.kept += hungry.claim.limit;
        drop(standing);
        (hungry.claim.limit > 0).then(|| Room { standing: Arc::clone(self), hungry })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{batch, claim, left, nowhere};
    use super::*;

    #[tokio::test]
    async fn room_is_kept_for_what_is_being_stored_and_given_up_where_that_fails() {
        let (standing, claim) = (Arc::<StandingClaims>::default(), claim(3));
        let _answer = standing.stand(claim.clone(), nowhere());
        let keep = |jobs| standing.keep(jobs, Duration::MAX, |_| true);
        let (first, second) = (keep(2).unwrap(), keep(2).unwrap());
        assert_eq!((first.claim().limit, second.claim().limit, keep(1).is_none()), (2, 1, true));
        drop(first);
        assert_eq!(left(&standing, &claim), 2);
        second.hand(batch(&claim), claim.now);
        assert_eq!(left(&standing, &claim), 2);
    }

    #[tokio::test]
    async fn who_has_kept_all_its_room_looks_all_the_same() {
        let (standing, claim) = (Arc::<StandingClaims>::default(), claim(2));
        drop(standing.stand(claim.clone(), nowhere()));
        let paused = standing.pause(&mut claim.clone(), 0).unwrap();
        standing.resume(paused.place(), &Batch::default());
        let _kept = standing.keep(2, Duration::MAX, |_| true).unwrap();
        let mut asks = claim;
        standing.pause(&mut asks, 1).unwrap();
        assert_eq!(asks.limit, 1);
    }
}
