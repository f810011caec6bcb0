//! What stands between a due job and a worker that could perform it: pauses, and limits of queues and keys.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::gates::{Gates, Kind, kind};
use super::limits::Limits;
use super::rows::Rows;
use crate::job::{JobState, Limit, Outcome, Record};
use crate::store::limits::{is_ours, name_key, queue_key, told};
use crate::store::{Claim, QueueLimit, Target};

#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) limits: Limits,
    pub(super) gates: Gates,
    /// Each with when it ends by itself.
    pub(super) pauses: BTreeMap<Target, Option<Timestamp>>,
    /// Each with what the last start set.
    pub(super) queues: BTreeMap<String, (QueueLimit, Option<QueueLimit>)>,
    /// The gates that the claim under way took from or added to.
    touched: Vec<(String, Kind)>,
}

impl Flow {
    /// Whether a target is paused, and until when.
    pub(super) fn pause(&self, target: &Target, now: Timestamp) -> Option<Option<Timestamp>> {
        self.pauses.get(target).copied().filter(|until| until.is_none_or(|until| until > now))
    }

    fn queue_limits(&self, queue: &str) -> Vec<Limit> {
        self.queues.get(queue).map(|(limit, _)| limit.limits(&queue_key(queue))).unwrap_or_default()
    }

    /// How many more jobs of a queue may start; where there are none, when that may change.
    pub(super) fn queue_room(&self, queue: &str, now: Timestamp) -> (usize, Option<Timestamp>) {
        if let Some(until) = self.pause(&Target::Queue(queue.to_owned()), now) {
            return (0, until);
        }
        let (limits, key) = (self.queue_limits(queue), queue_key(queue));
        let room = self.limits.room(&limits, &key, now);
        let wake = (room == 0).then(|| self.limits.wake(&limits, &key, now)).flatten();
        (room, wake.map(|(_, look)| look))
    }

    fn pause_of(&self, key: &str, (_, name, _): &Kind, now: Timestamp) -> Option<Option<Timestamp>> {
        self.pause(&Target::Job(name.clone()), now).filter(|_| key == name_key(name))
    }
}

impl Rows {
    /// Makes the gates of a key due.
    pub(super) fn open_gates(&mut self, key: &str) {
        self.changed.ready |= self.flow.gates.open(key);
    }

    /// A job does not run any more.
    pub(super) fn free_slots(&mut self, seq: u64) {
        for key in self.flow.limits.free(seq) {
            self.open_gates(&key);
            self.changed.ready |= is_ours(&key);
        }
    }

    /// What an outcome means for the buckets of a job's keys.
    pub(super) fn settle_buckets(&mut self, seq: u64, outcome: &Outcome, at: Timestamp) {
        let row = &self.jobs[&seq];
        let (limits, taken) = (row.limits.clone(), row.record.started_at.unwrap_or(at));
        match outcome {
            Outcome::Unstarted => {
                self.flow.limits.give_back(&limits, taken).iter().for_each(|key| self.open_gates(key));
            }
            Outcome::RateLimited { until } => self.flow.limits.drain(&limits, *until),
            _ => {}
        }
    }

    /// A job, which was as in `before`, may have left its gate: by a claim, or in another way.
    pub(super) fn leave_gate(&mut self, seq: u64, before: &Record, by: Option<JobState>) {
        let Some(key) = self.jobs.get_mut(&seq).and_then(|row| row.hold.take()) else { return };
        self.flow.gates.remove(&key, seq, before);
        if by == Some(JobState::Running) {
            self.flow.touched.push((key, kind(before)));
        } else {
            self.open_gates(&key);
        }
    }

    /// Takes what a due job needs of its limits, or holds it; says whether it may start.
    pub(super) fn may_start(&mut self, seq: u64, now: Timestamp) -> bool {
        let row = &self.jobs[&seq];
        let paused = self.flow.pause(&Target::Job(row.record.name.clone()), now).map(|_| name_key(&row.record.name));
        if let Some(key) = paused.or_else(|| self.flow.limits.full(&row.limits, now)) {
            self.hold(seq, &key);
            return false;
        }
        let limits = [row.limits.clone(), self.flow.queue_limits(&row.record.queue)].concat();
        self.flow.limits.take(seq, &limits, now);
        true
    }

    fn hold(&mut self, seq: u64, key: &str) {
        let Some(row) = self.jobs.get_mut(&seq) else { return };
        let before = row.record.clone();
        if let Some(old) = row.hold.replace(key.to_owned()).filter(|old| old != key) {
            self.flow.gates.remove(&old, seq, &before);
            self.flow.touched.push((old, kind(&before)));
        }
        self.flow.gates.hold(key, seq, &before);
        self.flow.touched.push((key.to_owned(), kind(&before)));
        self.mark_held(seq, Some(told(key)));
    }

    /// Lets the best held jobs for this worker out of due gates.
    pub(super) fn release(&mut self, claim: &Claim) {
        for (key, kind) in self.flow.gates.due(claim) {
            let room = self.gate_room(&key, &kind, claim.now).unwrap_or(0).min(claim.limit);
            let Some(gate) = self.flow.gates.of(&key, &kind) else { continue };
            let count = room.saturating_sub(gate.candidates.len());
            let best: Vec<_> = gate.held.iter().copied().take(count).collect();
            for place in best {
                gate.held.remove(&place);
                gate.candidates.insert(place.2);
            }
            let candidates: Vec<u64> = gate.candidates.iter().copied().collect();
            candidates.into_iter().for_each(|seq| self.mark_held(seq, None));
            self.settle_gate(&key, &kind, claim.now);
        }
    }

    /// Puts a ready job into the index or takes it out, without anybody being woken: it was ready before.
    fn mark_held(&mut self, seq: u64, by: Option<String>) {
        let Some(row) = self.jobs.get_mut(&seq) else { return };
        self.index.remove(seq, &row.record);
        row.record.held_by = by;
        self.index.insert(seq, &row.record);
    }

    /// How many of those behind a gate its key has room for; `None` where nothing is held.
    fn gate_room(&mut self, key: &str, kind: &Kind, now: Timestamp) -> Option<usize> {
        let (_, _, first) = *self.flow.gates.of(key, kind)?.held.first()?;
        let paused = self.flow.pause_of(key, kind, now).is_some();
        Some(if paused { 0 } else { self.flow.limits.room(&self.jobs[&first].limits, key, now) })
    }

    /// Says when a gate is due, so that the invariant holds; a gate with nothing behind it is forgotten.
    fn settle_gate(&mut self, key: &str, kind: &Kind, now: Timestamp) {
        let Some(room) = self.gate_room(key, kind, now) else {
            match self.flow.gates.of(key, kind) {
                Some(gate) if !gate.candidates.is_empty() => gate.wake = None,
                _ => self.flow.gates.forget(key, kind),
            }
            return;
        };
        let pause = self.flow.pause_of(key, kind, now);
        let Flow { limits, gates, .. } = &mut self.flow;
        let Some(gate) = gates.of(key, kind) else { return };
        gate.wake = if let Some(until) = pause {
            until.map(|until| (until, until))
        } else if room > 0 {
            gate.candidates.is_empty().then_some((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH))
        } else {
            let first = gate.held.first().map(|place| self.jobs[&place.2].limits.as_slice());
            limits.wake(first.unwrap_or_default(), key, now)
        };
    }

    /// Looks again at the gates that the claim touched.
    pub(super) fn settle_gates(&mut self, now: Timestamp) {
        for (key, kind) in std::mem::take(&mut self.flow.touched) {
            self.settle_gate(&key, &kind, now);
        }
    }
}
