use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::rows::Rows;
use crate::clock::after;
use crate::error::{Error, Result};
use crate::job::{JobId, JobState, NewJob, OnConflict, Unique, UniqueStates};

/// Who has each unique key.
pub(super) type Keys = HashMap<String, u64>;

/// How long a job has its unique key.
#[derive(Debug)]
pub(super) struct Tenure {
    states: UniqueStates,
    until: Option<Timestamp>,
}

impl Tenure {
    pub(super) fn new(unique: &Unique, now: Timestamp) -> Self {
        Self { states: unique.states, until: unique.window.map(|window| after(now, window)) }
    }
}

impl Rows {
    /// Refuses a push in which a unique job can't be left out and its key is taken; `needed` says of each job whether others of
    /// the push refer to it.
    pub(super) fn check_keys(&self, jobs: &[NewJob], needed: &[bool], now: Timestamp) -> Result<()> {
        let mut of_push = HashSet::new();
        for (job, needed) in jobs.iter().zip(needed) {
            let Some(unique) = &job.flow.unique else { continue };
            let existing = self.holder(&unique.key, now).map(|seq| self.jobs[&seq].record.id);
            let taken = existing.is_some() || of_push.contains(&unique.key);
            if taken && (*needed || unique.on_conflict == OnConflict::Error) {
                return Err(Error::Duplicate { job: job.name.to_string(), existing });
            }
            let has_it = unique.window != Some(Duration::ZERO);
            let expired = job.expires_at.is_some_and(|time| time <= now);
            if has_it && (!expired || unique.states.contains(JobState::Discarded)) {
                of_push.insert(&unique.key);
            }
        }
        Ok(())
    }

    /// Who has the key now; not one whose window is over.
    fn holder(&self, key: &str, now: Timestamp) -> Option<u64> {
        let seq = *self.keys.get(key)?;
        let until = self.jobs.get(&seq)?.tenure.as_ref()?.until;
        until.is_none_or(|until| until > now).then_some(seq)
    }

    /// Ends the job that has the key if it has expired.
    pub(super) fn expire_holder(&mut self, key: &str, now: Timestamp) {
        let holder = self.holder(key, now).filter(|seq| self.is_expired(*seq, now));
        let idle = |seq: &u64| self.jobs[seq].record.state != JobState::Running;
        holder.filter(idle).into_iter().for_each(|seq| self.end_expired(seq, now));
    }

    /// The job that stands in for a new one because it has its key: it takes over from the new one what that says.
    pub(super) fn existing(&mut self, new: &NewJob, now: Timestamp) -> Option<JobId> {
        let unique = new.flow.unique.as_ref()?;
        self.expire_holder(&unique.key, now);
        let seq = self.holder(&unique.key, now)?;
        let job = &self.jobs[&seq].record;
        let id = job.id;
        if matches!(job.state, JobState::Waiting | JobState::Ready) && job.name == new.name {
            self.replace(seq, new, unique.on_conflict, now);
        }
        Some(id)
    }

    fn replace(&mut self, seq: u64, new: &NewJob, on_conflict: OnConflict, now: Timestamp) {
        let OnConflict::Replace { args, schedule, at_most } = on_conflict else { return };
        self.edit(seq, |job| {
            if args {
                (job.args, job.version) = (new.args.clone(), new.version);
            }
            if schedule {
                let latest = at_most.map_or(Timestamp::MAX, |longest| after(job.created_at, longest));
                job.run_at = new.run_at.unwrap_or(now).min(latest);
                (job.expires_at, job.retry_until) = (new.expires_at, new.retry_until);
            }
        });
    }

    /// Gives a new job its key.
    pub(super) fn hold_key(&mut self, seq: u64) {
        let key = self.jobs.get(&seq).and_then(|row| row.record.unique_key.clone());
        key.and_then(|key| self.keys.insert(key, seq));
    }

    /// Gives a job that had ended its key again; returns who has it instead, and then changes nothing.
    pub(super) fn take_key_again(&mut self, seq: u64, now: Timestamp) -> Option<JobId> {
        let row = self.jobs.get(&seq)?;
        let (key, until) = (row.record.unique_key.as_ref()?, row.tenure.as_ref()?.until);
        if until.is_some_and(|until| until <= now) {
            return None;
        }
        let key = key.clone();
        self.expire_holder(&key, now);
        let other = self.holder(&key, now).filter(|holder| *holder != seq);
        if other.is_none() {
            self.hold_key(seq);
        }
        other.map(|other| self.jobs[&other].record.id)
    }

    /// A job that isn't in the states of its key any more gives it up.
    pub(super) fn give_up_key(&mut self, seq: u64) {
        let Some(row) = self.jobs.get(&seq) else { return };
        if row.tenure.as_ref().is_some_and(|tenure| !tenure.states.contains(row.record.state)) {
            self.drop_key(seq);
        }
    }

    /// A job that is deleted or leaves its states has its key no more.
    pub(super) fn drop_key(&mut self, seq: u64) {
        let Some(key) = self.jobs.get(&seq).and_then(|row| row.record.unique_key.as_ref()) else { return };
        if self.keys.get(key) == Some(&seq) {
            self.keys.remove(key);
        }
    }
}
