//! What the program had been promised at any point of a recording, and whether a store keeps it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, ensure};
use jobwork::JobId;

use super::fault::{Fault, is_log};
use super::found::Found;
use super::line::Line;
use super::operation::Operation;
use crate::checker::Violation;

/// The calls of a recording, and what each left of each job.
#[derive(Debug)]
pub(super) struct Promises {
    calls: Vec<Call>,
    /// What each job was after each call that changed it, in their order.
    jobs: HashMap<JobId, Vec<Version>>,
}

/// When a call began and when it was acknowledged, as numbers of operations.
#[derive(Debug)]
struct Call {
    begun: usize,
    acknowledged: usize,
    jobs: Vec<JobId>,
}

/// A job after a call; `None` of one that it deleted.
#[derive(Debug)]
struct Version {
    call: usize,
    found: Option<Found>,
}

impl Promises {
    /// Reads the lines of a recording, all calls of which have been acknowledged.
    pub(super) fn of(operations: &[Operation], fault: Option<Fault>) -> anyhow::Result<Self> {
        let (mut begun, mut acknowledged, mut synced) = (HashMap::new(), HashMap::new(), 0);
        let mut left = BTreeMap::new();
        for (number, operation) in operations.iter().enumerate() {
            match operation {
                Operation::Sync { name, .. } if is_log(name) => synced = number,
                Operation::Line(Line::Begins(call)) => drop(begun.insert(*call, number)),
                Operation::Line(Line::Acknowledged(call)) => {
                    let early = fault == Some(Fault::EarlyAnswers);
                    acknowledged.insert(*call, if early { synced.saturating_sub(1) } else { number });
                }
                Operation::Line(Line::Left(call, jobs)) => drop(left.insert(*call, jobs)),
                _ => {}
            }
        }
        ensure!(begun.len() == left.len(), "a call has begun that was never acknowledged");
        let mut promises = Self { calls: Vec::new(), jobs: HashMap::new() };
        for (call, jobs) in left {
            let both = begun.get(&call).zip(acknowledged.get(&call));
            let (begun, acknowledged) = both.with_context(|| format!("the call {call} has not all of its lines"))?;
            promises.add(
                Call { begun: *begun, acknowledged: *acknowledged, jobs: jobs.iter().map(|(id, _)| *id).collect() },
                jobs,
            );
        }
        Ok(promises)
    }

    fn add(&mut self, call: Call, jobs: &[(JobId, Option<Found>)]) {
        self.calls.push(call);
        for (id, found) in jobs {
            let version = Version { call: self.calls.len() - 1, found: found.clone() };
            self.jobs.entry(*id).or_default().push(version);
        }
    }

    /// How many calls were acknowledged when so many operations had been done.
    pub(super) fn acknowledged(&self, at: usize) -> usize {
        self.calls.iter().filter(|call| call.acknowledged < at).count()
    }

    /// Whether a store that was found with these jobs, after so many operations, keeps all promises.
    pub(super) fn check(&self, found: &BTreeMap<JobId, Found>, at: usize) -> Vec<Violation> {
        let unknown = found.keys().filter(|id| !self.jobs.contains_key(id));
        let mut violations: Vec<_> =
            unknown.map(|id| violation("unknown", format!("nobody has dispatched the job {id}"), at)).collect();
        let mut seen = HashMap::new();
        for (id, versions) in &self.jobs {
            match self.version(versions, found.get(id), at) {
                Ok(version) => drop(seen.insert(*id, version)),
                Err((rule, what)) => violations.push(violation(rule, format!("the job {id} {what}"), at)),
            }
        }
        let half = (0..self.calls.len()).filter(|number| self.is_half(*number, &seen));
        violations.extend(half.map(|number| {
            let jobs = &self.calls[number].jobs;
            violation("half", format!("a call has taken effect for some of the jobs {jobs:?} only"), at)
        }));
        violations
    }

    /// How many of the calls that changed a job have taken effect: at least those that were acknowledged, at most those that had begun.
    fn version(&self, versions: &[Version], found: Option<&Found>, at: usize) -> Result<usize, (&'static str, String)> {
        let count = |holds: &dyn Fn(&Call) -> bool| {
            versions.iter().take_while(|version| holds(&self.calls[version.call])).count()
        };
        let least = count(&|call| call.acknowledged < at);
        let most = count(&|call| call.begun < at);
        let is = |count: usize| count.checked_sub(1).and_then(|last| versions[last].found.as_ref()) == found;
        if let Some(version) = (least..=most).rev().find(|count| is(*count)) {
            return Ok(version);
        }
        let earlier = (0..least).rev().find(|count| is(*count));
        Err(match (earlier, found) {
            (Some(0), _) => ("lost", format!("is not there; acknowledged calls that changed it: {least}")),
            (Some(count), _) => ("lost", format!("lacks what acknowledged calls changed: the last {}", least - count)),
            (None, None) => ("lost", "is not there".to_owned()),
            (None, Some(found)) => ("changed", format!("is as it never was: {found:?}, {}", found.record.args)),
        })
    }

    /// Whether a call has taken effect for some of its jobs only.
    fn is_half(&self, number: usize, seen: &HashMap<JobId, usize>) -> bool {
        let effects = self.calls[number].jobs.iter().filter_map(|id| {
            let place = self.jobs[id].iter().position(|version| version.call == number)?;
            Some(*seen.get(id)? > place)
        });
        effects.collect::<BTreeSet<bool>>().len() > 1
    }
}

pub(super) fn violation(rule: &'static str, what: String, at: usize) -> Violation {
    Violation { rule, what, lines: vec![at] }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jobwork::Record;

    use super::*;

    fn id(number: u64) -> JobId {
        JobId::derive(number, Timestamp::UNIX_EPOCH)
    }

    fn found(number: u64, args: &str) -> Found {
        let record = Record::new(id(number), "job".into(), "default".into(), args.into(), Timestamp::UNIX_EPOCH);
        Found { record, history: Vec::new() }
    }

    /// Three lines a call, which leaves this of the jobs 1 and 2.
    fn promises(calls: &[[Option<Found>; 2]]) -> Promises {
        let lines = |(number, left): (usize, &[Option<Found>; 2])| {
            let left = [id(1), id(2)].into_iter().zip(left.clone()).collect();
            [Line::Begins(number), Line::Acknowledged(number), Line::Left(number, left)].map(Operation::Line)
        };
        let operations: Vec<_> = calls.iter().enumerate().flat_map(lines).collect();
        Promises::of(&operations, None).unwrap()
    }

    /// The rules that are broken when these are found after so many lines.
    fn broken(promises: &Promises, found: &[Found], at: usize) -> Vec<&'static str> {
        let found = found.iter().map(|found| (found.record.id, found.clone())).collect();
        promises.check(&found, at).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn a_call_that_was_not_acknowledged_may_have_taken_effect_or_not_but_not_half() {
        let (one, two) = (found(1, "{}"), found(2, "{}"));
        let promises = promises(&[[Some(one.clone()), Some(two.clone())]]);
        assert_eq!(broken(&promises, &[], 1), [""; 0]);
        assert_eq!(broken(&promises, &[one.clone(), two.clone()], 1), [""; 0]);
        assert_eq!(broken(&promises, std::slice::from_ref(&one), 1), ["half"]);
        assert_eq!(broken(&promises, &[one, two], 0), ["changed"; 2], "it had not begun");
    }

    #[test]
    fn what_was_acknowledged_must_have_taken_effect() {
        let (one, two, changed) = (found(1, "{}"), found(2, "{}"), found(1, "[]"));
        let promises = promises(&[[Some(one.clone()), Some(two.clone())], [Some(changed.clone()), None]]);
        assert_eq!(broken(&promises, &[], 2), ["lost"; 2]);
        assert_eq!(broken(&promises, &[one.clone(), two.clone()], 4), [""; 0]);
        assert_eq!(broken(&promises, &[one, two], 5), ["lost"; 2], "a job that was deleted is back");
        assert_eq!(broken(&promises, &[changed], 5), [""; 0]);
    }

    #[test]
    fn a_job_that_nobody_knows_and_one_that_is_as_it_never_was_are_noticed() {
        let promises = promises(&[[Some(found(1, "{}")), Some(found(2, "{}"))]]);
        assert_eq!(broken(&promises, &[found(1, "{}"), found(2, "[]")], 2), ["changed"]);
        assert_eq!(broken(&promises, &[found(1, "{}"), found(2, "{}"), found(3, "{}")], 2), ["unknown"]);
    }
}
