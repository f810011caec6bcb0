use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Claim, Served};
use crate::job::WorkerId;

/// The reason of a job that was discarded because its time was over.
pub(crate) const EXPIRED: &str = "expired";

/// A claim takes no further job once it has so many bytes of arguments: what is claimed ahead is held in memory.
pub(crate) const BYTES_AT_MOST: usize = 32_000_000;

/// How many jobs of one queue a claim may get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCap {
    /// The queue.
    pub queue: String,
    /// At most so many; 0 leaves the queue alone.
    pub jobs: usize,
}

/// A due job's place among those of its queue, the most urgent first: by its priority with what its waiting adds to it,
/// since when it is due in milliseconds, and the order of dispatch.
pub(crate) type Urgency = (Reverse<i64>, i64, u64);

impl Claim {
    /// A claim of every queue, without ageing and without caps.
    #[must_use]
    pub fn new(worker: WorkerId, names: Arc<[Served]>, limit: usize, now: Timestamp) -> Self {
        Self { worker, queues: None, names, limit, ageing: None, caps: Arc::new([]), now }
    }

    /// How many jobs may come from a queue, when the claim has room for so many more.
    pub(crate) fn room(&self, queue: &str, left: usize) -> usize {
        let cap = self.caps.iter().find(|cap| cap.queue == queue);
        cap.map_or(left, |cap| left.min(cap.jobs))
    }

    /// The place of a job of this priority that was due at this time.
    pub(crate) fn urgency(&self, priority: i32, run_at: i64, seq: u64) -> Urgency {
        let waited = self.now.as_millisecond().saturating_sub(run_at).max(0);
        let step = self.ageing.map_or(i64::MAX, |step| i64::try_from(step.as_millis()).unwrap_or(i64::MAX));
        (Reverse(i64::from(priority).saturating_add(waited / step.max(1))), run_at, seq)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn claim() -> Claim {
        Claim::new(WorkerId::fresh(), Arc::new([]), 10, Timestamp::from_second(100).unwrap())
    }

    #[test]
    fn a_cap_is_of_one_queue() {
        let caps = Arc::new([QueueCap { queue: "mail".to_owned(), jobs: 3 }]);
        let claim = Claim { caps, ..claim() };
        assert_eq!((claim.room("mail", 10), claim.room("mail", 2), claim.room("other", 10)), (3, 2, 10));
    }

    #[test]
    fn ten_seconds_of_waiting_are_worth_a_priority_where_the_claim_says_so() {
        let ageing = Claim { ageing: Some(Duration::from_secs(10)), ..claim() };
        assert_eq!(ageing.urgency(2, 70_001, 1).0, Reverse(4));
        assert_eq!(ageing.urgency(2, 70_000, 1).0, Reverse(5));
        assert_eq!(ageing.urgency(-1, 200_000, 1).0, Reverse(-1));
        assert_eq!(claim().urgency(2, 0, 1).0, Reverse(2));
    }

    #[test]
    fn an_ageing_of_no_time_overflows_nothing() {
        let ageing = Claim { ageing: Some(Duration::ZERO), ..claim() };
        assert_eq!(ageing.urgency(0, 0, 1).0, Reverse(100_000));
        assert_eq!(ageing.urgency(i32::MAX, i64::MIN, 1).0, Reverse(i64::MAX));
    }
}
