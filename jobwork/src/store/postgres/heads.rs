//! Where claims took last in the line of ready jobs, so that the next one need not pass what lies dead before.
//!
//! A claim that begins there sees nothing that has come before it meanwhile, unless it finds nothing, and then looks at the whole line. What
//! this process puts before a head makes it forget that; for what others put there claims look at the whole line every now and then, as
//! often as that costs a twentieth of the time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::job::NewJob;
use crate::store::{Claim, Served};

/// The whole line is looked at no more often than this.
const SOON: Duration = Duration::from_millis(50);

/// Nor more often than after so many times the time that it took.
const RARELY: u32 = 20;

/// More heads than these are not remembered.
const MOST: usize = 64;

/// Due time and number of the job that was taken last of a queue and a priority.
type Head = (i64, i64);

/// The heads of all who claim in this process.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<HashMap<Lane, Seen>>);

/// A worker, and the jobs that it claims together: those of its others lie before their heads.
type Lane = (Uuid, usize);

#[derive(Debug)]
struct Seen {
    heads: HashMap<(String, i32), Head>,
    /// When the whole line was looked at last, and how long that took.
    looked: Instant,
    took: Duration,
    /// Whether something was found behind the heads since then.
    used: bool,
    /// What there was besides, where the last claim got all that was ready.
    rest: Option<Rest>,
}

/// Nothing was left that is ready, and the next job is due at this time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    pub(super) next_due: Option<Timestamp>,
}

/// From where a claim is to look.
#[derive(Debug, Default)]
pub(super) struct From {
    pub(super) queues: Vec<String>,
    pub(super) priorities: Vec<i32>,
    pub(super) run_ats: Vec<i64>,
    pub(super) seqs: Vec<i64>,
}

/// A job that was taken: its queue, priority, due time and number.
pub(super) type Taken = (String, i32, i64, i64);

impl Heads {
    /// From where this claim is to look.
    pub(super) fn look(&self, claim: &Claim) -> From {
        let lanes = self.lanes();
        let Some(seen) = lanes.get(&lane(claim)).filter(|_| claim.ageing.is_none()) else { return From::default() };
        if seen.used && seen.looked.elapsed() >= SOON.max(seen.took * RARELY) {
            return From::default();
        }
        let mut from = From::default();
        for ((queue, priority), (run_at, seq)) in &seen.heads {
            from.queues.push(queue.clone());
            from.priorities.push(*priority);
            from.run_ats.push(*run_at);
            from.seqs.push(*seq);
        }
        from
    }

    /// What was left for this lane when it last looked, unless something may have come since then that it was not told of.
    pub(super) fn rest(&self, claim: &Claim) -> Option<Rest> {
        self.lanes().get(&lane(claim))?.rest
    }

    /// Notes what a claim got that looked from there, when it began, and what there is besides.
    pub(super) fn note(
        &self,
        claim: &Claim,
        from: &From,
        taken: impl Iterator<Item = Taken>,
        began: Instant,
        rest: Option<Rest>,
    ) {
        let mut lanes = self.lanes();
        let mut taken = taken.peekable();
        let found = taken.peek().is_some();
        let whole = from.queues.is_empty() || !found;
        if lanes.len() >= MOST {
            lanes.clear();
        }
        let seen = lanes.entry(lane(claim)).or_insert_with(|| Seen {
            heads: HashMap::new(),
            looked: began,
            took: Duration::ZERO,
            used: false,
            rest,
        });
        (seen.used, seen.rest) = (!whole, rest);
        if whole {
            (seen.looked, seen.took) = (Instant::now(), began.elapsed());
        }
        for (queue, priority, run_at, seq) in taken {
            if seen.heads.len() >= MOST {
                seen.heads.clear();
            }
            let head = seen.heads.entry((queue, priority)).or_insert((run_at, seq));
            *head = (run_at, seq).max(*head);
        }
    }

    /// A new job that is due at this time comes into the line.
    pub(super) fn enter(&self, job: &NewJob, run_at: i64) {
        let mut lanes = self.lanes();
        if lanes.is_empty() {
            return;
        }
        let level = (job.queue.to_string(), job.priority);
        for seen in lanes.values_mut() {
            // It may be the next one that is due.
            seen.rest = seen.rest.filter(|_| job.run_at.is_none());
            if seen.heads.get(&level).is_some_and(|(head, _)| run_at < *head) {
                seen.heads.remove(&level);
            }
        }
    }

    /// Jobs may have come anywhere into the line.
    pub(super) fn forget(&self) {
        self.lanes().clear();
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Lane, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lane(claim: &Claim) -> Lane {
    (claim.worker.as_uuid(), Arc::as_ptr(&claim.names).cast::<Served>() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::WorkerId;

    fn claim() -> Claim {
        Claim::new(WorkerId::fresh(), Arc::new([]), 10, Timestamp::UNIX_EPOCH)
    }

    fn taken(run_at: i64, seq: i64) -> Taken {
        ("default".to_owned(), 0, run_at, seq)
    }

    #[test]
    fn a_claim_goes_on_where_the_last_one_of_its_lane_took() {
        let (heads, claim) = (Heads::default(), claim());
        let from = heads.look(&claim);
        assert!(from.queues.is_empty());
        heads.note(&claim, &from, [taken(5, 7), taken(5, 9)].into_iter(), Instant::now(), None);
        let from = heads.look(&claim);
        assert_eq!((from.queues, from.run_ats, from.seqs), (vec!["default".to_owned()], vec![5], vec![9]));
        let other = Claim { names: Arc::new([Served { name: "job".to_owned(), version: 1 }]), ..claim };
        assert!(heads.look(&other).queues.is_empty());
    }

    #[test]
    fn what_comes_before_a_head_makes_it_forgotten() {
        let (heads, claim) = (Heads::default(), claim());
        heads.note(&claim, &From::default(), [taken(5, 7)].into_iter(), Instant::now(), None);
        heads.enter(&NewJob::new("job", "{}"), 5);
        assert_eq!(heads.look(&claim).seqs, [7]);
        heads.enter(&NewJob { priority: 1, ..NewJob::new("job", "{}") }, 4);
        assert_eq!(heads.look(&claim).seqs, [7]);
        heads.enter(&NewJob::new("job", "{}"), 4);
        assert!(heads.look(&claim).seqs.is_empty());
        heads.note(&claim, &From::default(), [taken(5, 7)].into_iter(), Instant::now(), None);
        heads.forget();
        assert!(heads.look(&claim).seqs.is_empty());
    }

    #[test]
    fn the_whole_line_is_looked_at_when_it_was_not_for_long() {
        let (heads, claim) = (Heads::default(), claim());
        heads.note(&claim, &From::default(), [taken(5, 7)].into_iter(), Instant::now(), None);
        let back = |time: Duration| {
            let mut lanes = heads.lanes();
            let seen = lanes.get_mut(&lane(&claim)).unwrap();
            seen.looked = seen.looked.checked_sub(time).unwrap();
        };
        back(SOON);
        let from = heads.look(&claim);
        assert_eq!(from.seqs, [7], "nothing was found there yet");
        heads.note(&claim, &from, [taken(5, 8)].into_iter(), Instant::now(), None);
        assert!(heads.look(&claim).seqs.is_empty());
    }

    #[test]
    fn what_is_left_is_known_until_something_may_have_come() {
        let (heads, claim) = (Heads::default(), claim());
        assert!(heads.rest(&claim).is_none());
        let rest = Some(Rest { next_due: None });
        let note = || heads.note(&claim, &From::default(), [].into_iter(), Instant::now(), rest);
        note();
        heads.enter(&NewJob::new("job", "{}"), 5);
        assert!(heads.rest(&claim).is_some(), "it is handed over or told of");
        heads.enter(&NewJob { run_at: Some(Timestamp::MAX), ..NewJob::new("job", "{}") }, 5);
        assert!(heads.rest(&claim).is_none(), "it may be the next one that is due");
        note();
        heads.forget();
        assert!(heads.rest(&claim).is_none());
    }
}
