use super::*;
use crate::job::{Claimed, JobId, Lease, WorkerId};

pub(super) fn claim(limit: usize) -> Claim {
    Claim::new(WorkerId::fresh(), Arc::new([]), limit, Timestamp::UNIX_EPOCH)
}

pub(super) fn batch(claim: &Claim) -> Batch {
    let job = JobId::derive(1, claim.now);
    let lease = Lease { job, attempt: 1, worker: claim.worker, claim: 1 };
    let jobs = vec![Claimed::new(lease, "job".to_owned(), "default".to_owned(), "{}".to_owned(), claim.now)];
    Batch { jobs, next_due: None }
}

pub(super) fn nowhere() -> GiveBack {
    GiveBack::new(|_| {})
}

#[tokio::test]
async fn a_worker_that_is_handed_jobs_for_long_has_to_look_for_itself() {
    let (standing, claim) = (Arc::<StandingClaims>::default(), claim(9));
    let hungry = |time| standing.hungry(time, |_| true);
    let answer = standing.stand(claim.clone(), nowhere());
    let waits = hungry(Duration::ZERO).remove(0);
    standing.hand(waits, batch(&claim));
    answer.wait().await.unwrap();
    assert_eq!((hungry(Duration::ZERO).len(), hungry(Duration::MAX).len()), (0, 1));
    // Standing up again is no look.
    let answer = standing.stand(claim.clone(), nowhere());
    assert_eq!((hungry(Duration::ZERO).len(), hungry(Duration::MAX).len()), (0, 1));
    drop(answer);
    let paused = standing.pause(&mut claim.clone(), 0).unwrap();
    standing.resume(paused.place(), &Batch::default());
    assert_eq!(hungry(Duration::ZERO).len(), 1);
}

#[tokio::test]
async fn only_those_of_whom_it_is_true_are_hungry() {
    let standing = Arc::<StandingClaims>::default();
    let (one, other) = (claim(1), claim(1));
    let _answers = [&one, &other].map(|claim| standing.stand(claim.clone(), nowhere()));
    let hungry = standing.hungry(Duration::MAX, |claim| claim.worker == other.worker);
    assert_eq!(hungry.iter().map(|hungry| hungry.claim.worker).collect::<Vec<_>>(), [other.worker]);
}

pub(super) fn left(standing: &Arc<StandingClaims>, claim: &Claim) -> usize {
    standing
        .hungry(Duration::MAX, |_| true)
        .iter()
        .find(|hungry| hungry.claim.worker == claim.worker)
        .map_or(0, |hungry| hungry.claim.limit)
}

#[tokio::test]
async fn who_asks_gets_no_more_than_it_asked_for_with_what_it_is_handed_meanwhile() {
    let given_back = Arc::new(Mutex::new(0));
    let count = Arc::clone(&given_back);
    let back = GiveBack::new(move |jobs| *count.lock().unwrap() += jobs.len());
    let (standing, claim) = (Arc::<StandingClaims>::default(), claim(9));
    let answer = standing.stand(claim.clone(), back);
    let hand = || standing.hand(standing.hungry(Duration::MAX, |_| true).remove(0), batch(&claim));
    hand();
    assert_eq!(answer.wait().await.unwrap().jobs.len(), 1);
    (0..3).for_each(|_| hand());
    let mut asks = Claim { limit: 2, ..claim.clone() };
    assert_eq!((standing.pause(&mut asks, 1).unwrap().and(Batch::default()).jobs.len(), asks.limit), (2, 0));
    assert_eq!(*given_back.lock().unwrap(), 1, "one was too many");
    let mut asks = claim.clone();
    let paused = standing.pause(&mut asks, 4).unwrap();
    assert_eq!((asks.limit, left(&standing, &claim)), (5, 4));
    hand();
    standing.resume(paused.place(), &batch(&claim));
    assert_eq!(left(&standing, &claim), 7);
    let mut asks = Claim { limit: 1, ..claim };
    let paused = standing.pause(&mut asks, 0).unwrap();
    standing.resume(paused.place(), &Batch::default());
    assert_eq!((asks.limit, standing.hungry(Duration::ZERO, |_| true).len()), (0, 0), "nobody has looked");
}
