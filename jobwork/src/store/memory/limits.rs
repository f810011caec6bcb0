//! What jobs of one key share: slots, counted by those that run, and buckets of tokens.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::job::{Limit, LimitRule, Rate};
use crate::store::bucket::{Bucket, Level};

#[derive(Debug, Default)]
pub(super) struct Limits {
    slots: HashMap<String, BTreeSet<u64>>,
    keys: HashMap<u64, Vec<String>>,
    buckets: HashMap<String, Level>,
}

/// When a key that is used up may have room again, and when it is worth looking; `None` until a slot is freed.
pub(super) type Wake = Option<(Timestamp, Timestamp)>;

impl Limits {
    fn used(&self, key: &str) -> usize {
        self.slots.get(key).map_or(0, BTreeSet::len)
    }

    fn bucket(&self, key: &str, rate: Rate) -> Bucket {
        Bucket::new(rate, self.buckets.get(key).copied())
    }

    /// How many more jobs of a key its limits allow now.
    pub(super) fn room(&self, limits: &[Limit], key: &str, now: Timestamp) -> usize {
        let of_key = limits.iter().filter(|limit| limit.key == key);
        let rooms = of_key.map(|limit| match limit.rule {
            LimitRule::Concurrency(count) => (count as usize).saturating_sub(self.used(key)),
            LimitRule::Rate(rate) => self.bucket(key, rate).tokens(now),
        });
        rooms.min().unwrap_or(usize::MAX)
    }

    /// The first key of these limits that has no room.
    pub(super) fn full(&self, limits: &[Limit], now: Timestamp) -> Option<String> {
        limits.iter().find(|limit| self.room(limits, &limit.key, now) == 0).map(|limit| limit.key.clone())
    }

    /// When a key without room may have some.
    pub(super) fn wake(&self, limits: &[Limit], key: &str, now: Timestamp) -> Wake {
        let mut wake = None;
        for limit in limits.iter().filter(|limit| limit.key == key) {
            match limit.rule {
                LimitRule::Concurrency(count) if (count as usize) <= self.used(key) => return None,
                LimitRule::Concurrency(_) => {}
                LimitRule::Rate(rate) => {
                    let bucket = self.bucket(key, rate);
                    if bucket.tokens(now) == 0 {
                        wake = wake.max(Some((bucket.next(), bucket.look(now))));
                    }
                }
            }
        }
        wake
    }

    /// Takes what a job needs of its limits, which all have room.
    pub(super) fn take(&mut self, job: u64, limits: &[Limit], now: Timestamp) {
        for limit in limits {
            match limit.rule {
                LimitRule::Concurrency(_) => self.occupy(job, &limit.key),
                LimitRule::Rate(rate) => {
                    let taken = self.bucket(&limit.key, rate).take(now);
                    self.buckets.insert(limit.key.clone(), taken.level());
                }
            }
        }
    }

    /// Gives a running job a slot of a key.
    pub(super) fn occupy(&mut self, job: u64, key: &str) {
        if self.slots.entry(key.to_owned()).or_default().insert(job) {
            self.keys.entry(job).or_default().push(key.to_owned());
        }
    }

    /// A job does not run any more: its slots are free. Returns their keys.
    pub(super) fn free(&mut self, job: u64) -> Vec<String> {
        let keys = self.keys.remove(&job).unwrap_or_default();
        for key in &keys {
            if let Some(jobs) = self.slots.get_mut(key) {
                jobs.remove(&job);
                if jobs.is_empty() {
                    self.slots.remove(key);
                }
            }
        }
        keys
    }

    /// A job was claimed but never begun: the tokens are in their buckets again. Returns their keys.
    pub(super) fn give_back(&mut self, limits: &[Limit], taken: Timestamp) -> Vec<String> {
        let given = rates(limits).map(|(key, rate)| {
            let bucket = self.bucket(key, rate).give_back(taken);
            self.buckets.insert(key.to_owned(), bucket.level());
            key.to_owned()
        });
        given.collect()
    }

    /// The jobs of these rate keys get no tokens before `until`.
    pub(super) fn drain(&mut self, limits: &[Limit], until: Timestamp) {
        for (key, rate) in rates(limits) {
            let drained = self.bucket(key, rate).drain(until);
            self.buckets.insert(key.to_owned(), drained.level());
        }
    }
}

fn rates(limits: &[Limit]) -> impl Iterator<Item = (&str, Rate)> {
    limits.iter().filter_map(|limit| match limit.rule {
        LimitRule::Rate(rate) => Some((limit.key.as_str(), rate)),
        LimitRule::Concurrency(_) => None,
    })
}
