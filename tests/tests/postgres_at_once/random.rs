use std::time::Duration;

use jiff::Timestamp;
use jobwork::{
    BatchId, BatchPlace, DeadReason, Failure, FailureKind, Flow, Limit, Membership, NewBatch, NewJob, OnConflict,
    Outcome, Unique, UniqueStates, Wait,
};

pub(crate) const QUEUES: [&str; 2] = ["one", "two"];
pub(crate) const NAMES: [&str; 3] = ["job", "first", "second"];

/// Numbers that are the same for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn one_of<T: Clone>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())].clone()
    }

    /// Some time up to two seconds.
    pub(crate) fn while_(&mut self) -> Duration {
        Duration::from_millis(self.below(2_000) as u64)
    }

    /// A job of some name and queue, about which nothing else is special.
    fn plain(&mut self, now: Timestamp) -> NewJob {
        let mut job = NewJob::new(self.one_of(&NAMES), "{}");
        job.queue = self.one_of(&QUEUES).into();
        job.priority = self.below(2) as i32;
        if self.one_in(5) {
            job.run_at = Some(now + self.while_());
        }
        job
    }

    /// A job of some kind.
    fn job(&mut self, now: Timestamp) -> NewJob {
        let mut job = self.plain(now);
        job.flow = self.flow();
        if self.one_in(6) {
            job.expires_at = Some(now + self.while_());
        }
        if self.one_in(6) {
            job.retain = Some(self.one_of(&[Duration::ZERO, Duration::from_millis(500)]));
        }
        if self.one_in(6) {
            job.tags = vec!["tag".to_owned()];
        }
        job
    }

    fn flow(&mut self) -> Flow {
        let mut flow = Flow::default();
        if self.one_in(4) {
            flow = flow.unique(self.unique());
        }
        if self.one_in(4) {
            flow = flow.ordered(self.one_of(&["east", "west"]));
        }
        for limit in [
            Limit::concurrency("a", 2),
            Limit::concurrency("b", 1),
            Limit::rate("b", 5, Duration::from_secs(1)),
            Limit::rate("c", 3, Duration::from_secs(1)),
        ] {
            if self.one_in(6) {
                flow = flow.limit(limit);
            }
        }
        flow
    }

    fn unique(&mut self) -> Unique {
        let key = self.one_of(&["k", "l", "m"]);
        let unique = match self.below(3) {
            0 => Unique::debounce(key),
            1 => Unique::throttle(key, Duration::from_secs(2)),
            _ => Unique::new(key).states(UniqueStates::UNLESS_FAILED),
        };
        if self.one_in(4) { unique.on_conflict(OnConflict::Error) } else { unique }
    }

    /// Jobs that are dispatched together.
    pub(crate) fn jobs(&mut self, now: Timestamp, open: &[BatchId]) -> (Vec<NewJob>, Vec<NewBatch>) {
        let count = 1 + self.below(3);
        match self.below(6) {
            0 | 1 => ((0..count).map(|_| self.plain(now)).collect(), Vec::new()),
            2 => (self.chain(now), Vec::new()),
            3 => self.batch(now, open),
            4 if !open.is_empty() => {
                let mut job = self.job(now);
                job.batch = Some(BatchPlace::Stored(self.one_of(open)));
                (vec![job], Vec::new())
            }
            _ => ((0..count).map(|_| self.job(now)).collect(), Vec::new()),
        }
    }

    fn chain(&mut self, now: Timestamp) -> Vec<NewJob> {
        let mut chain: Vec<NewJob> = (0..2 + self.below(2)).map(|_| self.job(now)).collect();
        for (position, member) in chain.iter_mut().enumerate() {
            let before = position.checked_sub(1);
            member.waits = before.map(|on| Wait { on, slot: Some("input".to_owned()) }).into_iter().collect();
            member.chain = Some(Membership { first: 0, position: position as u32, on_error: None });
        }
        chain
    }

    /// A batch with members, callbacks, and a batch in it.
    fn batch(&mut self, now: Timestamp, open: &[BatchId]) -> (Vec<NewJob>, Vec<NewBatch>) {
        let mut jobs: Vec<NewJob> = (0..3).map(|_| self.plain(now)).collect();
        let mut outer = NewBatch::new("outer");
        (outer.on_complete, outer.on_success, outer.on_death) = (Some(0), Some(1), Some(2));
        if self.one_in(2) && !open.is_empty() {
            outer.parent = Some(BatchPlace::Stored(self.one_of(open)));
        }
        let mut inner = NewBatch::new("inner");
        inner.parent = Some(BatchPlace::New(0));
        for _ in 0..1 + self.below(3) {
            let mut member = self.job(now);
            member.batch = Some(BatchPlace::New(self.below(2)));
            jobs.push(member);
        }
        (jobs, vec![outer, inner])
    }

    pub(crate) fn outcome(&mut self, now: Timestamp) -> Outcome {
        let later = now + self.while_();
        let failure =
            || Failure { kind: FailureKind::Error, message: "no route".to_owned(), detail: None, middleware: None };
        match self.below(14) {
            0 | 1 => Outcome::Retry { at: later, failure: failure() },
            2 => Outcome::Snoozed { until: later },
            3 => Outcome::RateLimited { until: later },
            4 => Outcome::Unstarted,
            5 => Outcome::HandedBack { failure: None },
            6 => Outcome::Cancelled { failure: None },
            7 => Outcome::Discarded { why: "not needed".to_owned() },
            8 => Outcome::Dead { reason: DeadReason::ItsOwnWord, failure: failure() },
            _ => Outcome::Completed { output: "1".to_owned() },
        }
    }
}
