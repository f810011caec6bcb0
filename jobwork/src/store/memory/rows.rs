use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::batches::{InBatch, StoredBatch};
use super::flow::Flow;
use super::index::Index;
use super::ordered::Lines;
use super::unique::{Keys, Tenure};
use super::workers::Worker;
use crate::error::Result;
use crate::job::{Attempt, JobId, JobState, Limit, LogLine, Member, NewBatch, NewJob, Record, WorkerId};
use crate::store::{Push, Pushed, ScheduleRecord, Stored};

/// All that the store holds.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// By the number that the job's id is derived from, which is the order of dispatch.
    pub(super) jobs: BTreeMap<u64, Row>,
    pub(super) chains: BTreeMap<JobId, Vec<u64>>,
    /// By the number that the batch's id is derived from.
    pub(super) batches: BTreeMap<u64, StoredBatch>,
    /// The last batch that was given a number.
    pub(super) last_batch: u64,
    /// Members of batches whose change their batch has not counted yet.
    pub(super) moved: Vec<u64>,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    pub(super) schedules: BTreeMap<String, ScheduleRecord>,
    pub(super) index: Index,
    pub(super) flow: Flow,
    pub(super) changed: Changed,
    pub(super) keys: Keys,
    pub(super) lines: Lines,
    last: u64,
}

/// What a write changed that somebody may wait for.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) ready: bool,
    pub(super) settled: bool,
    pub(super) signals: bool,
}

/// One job. Its state is never `Scheduled`: that is how a ready job is reported while it is not due.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) record: Record,
    /// What it still waits for.
    pub(super) waits: Vec<Awaited>,
    /// Whether it waits for its turn in the order of its key.
    pub(super) in_line: bool,
    /// How long it has its unique key.
    pub(super) tenure: Option<Tenure>,
    /// Who waits for it, or did.
    pub(super) waiters: Vec<u64>,
    /// How often it was claimed.
    pub(super) claims: u64,
    /// The job whose end cancelled this one.
    pub(super) cancelled_by: Option<u64>,
    pub(super) in_batch: Option<InBatch>,
    pub(super) history: Vec<Attempt>,
    pub(super) limits: Vec<Limit>,
    /// The key that holds the ready job, or did until it became a candidate.
    pub(super) hold: Option<String>,
    /// Where the job said to go on.
    pub(super) checkpoint: Option<String>,
    pub(super) log: VecDeque<LogLine>,
}

/// A job that another one waits for, and the key of the arguments that takes its output.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) on: u64,
    pub(super) slot: Option<String>,
}

impl Row {
    /// Whether it waits for nothing.
    pub(super) fn is_free(&self) -> bool {
        let is_called = self.in_batch.as_ref().is_none_or(InBatch::is_called);
        self.waits.is_empty() && !self.in_line && is_called
    }

    pub(super) fn awaits(&self, seq: u64) -> bool {
        self.waits.iter().any(|wait| wait.on == seq)
    }
}

impl Rows {
    pub(super) fn push(&mut self, push: Push) -> Result<Stored> {
        push.check()?;
        let keys = push.jobs.iter().filter_map(|job| job.flow.unique.as_ref());
        keys.for_each(|unique| self.expire_holder(&unique.key, push.now));
        self.check_keys(&push.jobs, &needed(&push), push.now)?;
        let places = self.open_batches(&push)?;
        let Push { jobs, batches, now, .. } = push;
        let first = self.last + 1;
        let seqs = first..first + jobs.len() as u64;
        let ids: Vec<JobId> = seqs.clone().map(|seq| JobId::derive(seq, now)).collect();
        let mut stored = Vec::with_capacity(jobs.len());
        for ((seq, new), place) in seqs.zip(jobs).zip(places) {
            self.last = seq;
            if let Some(existing) = self.existing(&new, now) {
                stored.push(Pushed::Existing(existing));
                continue;
            }
            stored.push(Pushed::New(ids[(seq - first) as usize]));
            self.insert(seq, new, first, &ids, now, place.map(InBatch::from));
        }
        let batches = self.store_batches(batches, &ids, now);
        Ok(Stored::new(stored, batches))
    }

    fn insert(&mut self, seq: u64, new: NewJob, first: u64, ids: &[JobId], now: Timestamp, in_batch: Option<InBatch>) {
        let waits: Vec<_> =
            new.waits.into_iter().map(|wait| Awaited { on: first + wait.on as u64, slot: wait.slot }).collect();
        for wait in &waits {
            let awaited = self.jobs.get_mut(&wait.on);
            awaited.into_iter().for_each(|row| row.waiters.push(seq));
        }
        let chain = new.chain.map(|chain| Member {
            chain: ids[chain.first],
            position: chain.position,
            on_error: chain.on_error,
        });
        if let Some(member) = &chain {
            self.chains.entry(member.chain).or_default().push(seq);
        }
        let id = ids[(seq - first) as usize];
        let record = Record {
            priority: new.priority,
            batch: in_batch.as_ref().and_then(|place| self.admit(place)),
            state: if waits.is_empty() && in_batch.as_ref().is_none_or(InBatch::is_called) {
                JobState::Ready
            } else {
                JobState::Waiting
            },
            retries: new.retries,
            tags: new.tags,
            run_at: new.run_at.unwrap_or(now),
            chain,
            expires_at: new.expires_at,
            retry_until: new.retry_until,
            retain: new.retain,
            version: new.version,
            unique_key: new.flow.unique.as_ref().map(|unique| unique.key.clone()),
            ordered: new.flow.ordered,
            ..Record::new(id, new.name.into_owned(), new.queue.into_owned(), new.args, now)
        };
        self.index.insert(seq, &record);
        self.changed.ready |= record.state == JobState::Ready;
        let tenure = new.flow.unique.as_ref().map(|unique| Tenure::new(unique, now));
        let row = Row {
            record,
            waits,
            in_line: false,
            tenure,
            waiters: Vec::new(),
            claims: 0,
            cancelled_by: None,
            in_batch,
            history: Vec::new(),
            limits: new.flow.limits,
            hold: None,
            checkpoint: None,
            log: VecDeque::new(),
        };
        self.jobs.insert(seq, row);
        self.hold_key(seq);
        self.enter_line(seq);
        if self.jobs[&seq].in_line {
            self.edit(seq, |job| job.state = JobState::Waiting);
        }
    }

    /// The number of the job with this id, if there is one.
    pub(super) fn find(&self, id: JobId) -> Option<u64> {
        let (seq, _) = id.parts()?;
        self.jobs.get(&seq).filter(|row| row.record.id == id).map(|_| seq)
    }

    /// Changes a job. Every change passes here, so that the index always agrees with the rows.
    pub(super) fn edit(&mut self, seq: u64, change: impl FnOnce(&mut Record)) {
        let Some(row) = self.jobs.get_mut(&seq) else { return };
        let was_open = !row.record.state.is_final();
        self.index.remove(seq, &row.record);
        let before = row.hold.is_some().then(|| row.record.clone());
        let ran = row.record.state == JobState::Running;
        change(&mut row.record);
        let state = row.record.state;
        if state != JobState::Running {
            row.record.worker = None;
        }
        // What holds one that is due at another time, or is of another kind, has to meet it again.
        let place = |job: &Record| (job.priority, job.run_at, job.version, job.queue.clone());
        let moved = |before: &Record| place(before) != place(&row.record);
        let left = before.filter(|before| state != JobState::Ready || moved(before));
        if left.is_some() {
            row.record.held_by = None;
        }
        self.index.insert(seq, &row.record);
        self.changed.ready |= row.record.state == JobState::Ready;
        self.changed.settled |= row.record.state.is_final();
        self.moved.extend(row.has_moved().then_some(seq));
        let ended = row.record.finished_at.filter(|_| was_open && row.record.state.is_final());
        if ran && state != JobState::Running {
            self.free_slots(seq);
        }
        if let Some(before) = left {
            self.leave_gate(seq, &before, Some(state));
        }
        self.give_up_key(seq);
        ended.into_iter().for_each(|at| self.leave_line(seq, at));
    }
}

/// Whether others of the push refer to each job, or it to them, so that it can't be left out.
fn needed(push: &Push) -> Vec<bool> {
    let jobs = &push.jobs;
    let mut needed: Vec<bool> = jobs.iter().map(|job| job.chain.is_some() || !job.waits.is_empty()).collect();
    jobs.iter().flat_map(|job| &job.waits).for_each(|wait| needed[wait.on] = true);
    push.batches.iter().flat_map(NewBatch::callbacks).for_each(|callback| needed[callback] = true);
    needed
}
