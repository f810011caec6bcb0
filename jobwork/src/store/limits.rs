//! What stores have in common about limits: which are refused, and the keys of those that no job carries itself.

use crate::error::{Error, Result};
use crate::job::{Limit, LimitRule, NewJob};

/// Keys of our own begin with it, so that no job's can be one of them.
const OURS: char = '\u{1}';

/// The key that all jobs of a queue share.
pub(super) fn queue_key(queue: &str) -> String {
    format!("{OURS}queue {queue}")
}

/// The key that holds the jobs of a paused name.
pub(super) fn name_key(name: &str) -> String {
    format!("{OURS}job {name}")
}

pub(super) fn is_ours(key: &str) -> bool {
    key.starts_with(OURS)
}

/// A key as people are told of it.
pub(super) fn told(key: &str) -> String {
    key.strip_prefix(OURS).map_or_else(|| key.to_owned(), |ours| format!("paused {ours}"))
}

/// Refuses jobs whose limits no store could keep.
pub(super) fn check(jobs: &[NewJob]) -> Result<()> {
    for (index, job) in jobs.iter().enumerate() {
        let limits = &job.flow.limits;
        if let Some(mistake) = limits.iter().find_map(mistake).or_else(|| twice(limits)) {
            return Err(Error::store(format!("job {index} of a push: {mistake}")));
        }
    }
    Ok(())
}

/// What is wrong with limits that are each right.
fn twice(limits: &[Limit]) -> Option<String> {
    let same = |one: &Limit, other: &Limit| {
        one.key == other.key && std::mem::discriminant(&one.rule) == std::mem::discriminant(&other.rule)
    };
    let twice =
        limits.iter().enumerate().find(|(index, limit)| limits[..*index].iter().any(|other| same(other, limit)));
    twice.map(|(_, limit)| format!("two limits of one kind for the key {:?}, expected one", limit.key))
}

/// What is wrong with a limit.
pub(super) fn mistake(limit: &Limit) -> Option<String> {
    let key = &limit.key;
    match limit.rule {
        _ if is_ours(key) => Some(format!("the key {key:?} begins with a control character, expected another")),
        LimitRule::Concurrency(0) => Some(format!("concurrency 0 of key {key:?} would never run, expected 1 or more")),
        LimitRule::Rate(rate) if rate.count == 0 || rate.per.is_zero() => Some(format!(
            "rate {}/{:?} of key {key:?}, expected at least 1 in a time that is not zero",
            rate.count, rate.per
        )),
        _ => None,
    }
}
