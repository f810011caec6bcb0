use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use jiff::Timestamp;

use super::outcomes::end;
use super::rows::{Row, Rows};
use crate::error::{Error, Result};
use crate::job::{BatchId, BatchPlace, BatchRecord, JobId, JobState, NewBatch};
use crate::store::places::{self, Part};
use crate::store::tally::{NOBODY_DIED, Standing, Tally, Turn};
use crate::store::{BatchFilter, Push};

/// One batch.
#[derive(Debug)]
pub(super) struct StoredBatch {
    /// Its counters are in `tally`.
    record: BatchRecord,
    tally: Tally,
    /// What it has come to as a member of its parent.
    standing: Standing,
    /// Jobs and batches that still exist and name it; with the last of them it is forgotten.
    kept: u64,
}

/// A job's place in a batch.
#[derive(Debug)]
pub(super) struct InBatch {
    batch: u64,
    /// What its batch has counted of it; `None` for a callback.
    standing: Option<Standing>,
    /// What a callback still waits for.
    waits: u32,
    /// Whether the batch cancelled it.
    spoiled: bool,
}

impl From<(u64, Part)> for InBatch {
    fn from((batch, part): (u64, Part)) -> Self {
        let standing = (part == Part::Member).then(Standing::default);
        Self { batch, standing, waits: part.waits(), spoiled: false }
    }
}

impl InBatch {
    pub(super) fn is_called(&self) -> bool {
        self.waits == 0
    }
}

impl Row {
    /// Whether it is counted by a batch.
    pub(super) fn is_member(&self) -> bool {
        self.in_batch.as_ref().is_some_and(|place| place.standing.is_some())
    }

    /// Whether its batch has to count it anew.
    pub(super) fn has_moved(&self) -> bool {
        let standing = self.in_batch.as_ref().and_then(|place| place.standing);
        standing.is_some_and(|standing| standing != standing.after(self.record.state, self.record.attempt))
    }

    /// What its end means for the batch, in words.
    fn told(&self) -> String {
        let why = self.record.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("batch member {} was {}{why}", self.record.id, self.record.state)
    }
}

impl Rows {
    fn find_batch(&self, id: BatchId) -> Option<u64> {
        let (seq, _) = id.parts()?;
        self.batches.get(&seq).filter(|batch| batch.record.id == id).map(|_| seq)
    }

    /// Makes room for the batches of a push, and tells each job its place, unless a batch is not open.
    pub(super) fn open_batches(&mut self, push: &Push) -> Result<Vec<Option<(u64, Part)>>> {
        let parents = push.batches.iter().map(|batch| batch.parent);
        let mut stored = BTreeMap::new();
        for place in push.jobs.iter().map(|job| job.batch).chain(parents).flatten() {
            if let BatchPlace::Stored(id) = place {
                stored.insert(id, self.open_batch(id)?);
            }
        }
        let first = self.last_batch + 1;
        let number = |place| match place {
            BatchPlace::New(index) => first + index as u64,
            BatchPlace::Stored(id) => stored[&id],
        };
        let places = places::places(push, number);
        for (index, batch) in push.batches.iter().enumerate() {
            self.open_new(number(BatchPlace::New(index)), batch, batch.parent.map(number), push.now);
        }
        Ok(places)
    }

    fn open_batch(&self, id: BatchId) -> Result<u64> {
        let seq = self.find_batch(id).ok_or(Error::NoSuchBatch(id))?;
        if self.batches[&seq].tally.finished_at.is_some() { Err(Error::BatchClosed(id)) } else { Ok(seq) }
    }

    fn open_new(&mut self, seq: u64, new: &NewBatch, parent: Option<u64>, now: Timestamp) {
        let mut record = BatchRecord::new(BatchId::derive(seq, now), new.description.clone(), now);
        if let Some(parent) = parent.and_then(|parent| self.batches.get_mut(&parent)) {
            parent.tally.total += 1;
            parent.kept += 1;
            record.parent = Some(parent.record.id);
        }
        let batch = StoredBatch { record, tally: Tally::default(), standing: Standing::default(), kept: 0 };
        self.batches.insert(seq, batch);
        self.last_batch = seq;
    }

    /// Lets a new job take its place.
    pub(super) fn admit(&mut self, place: &InBatch) -> Option<BatchId> {
        let batch = self.batches.get_mut(&place.batch)?;
        batch.kept += 1;
        batch.tally.total += u64::from(place.standing.is_some());
        Some(batch.record.id)
    }

    /// Names the callbacks of the batches of a push, and lets go those of the empty ones.
    pub(super) fn store_batches(&mut self, new: Vec<NewBatch>, ids: &[JobId], now: Timestamp) -> Vec<BatchId> {
        let first = self.last_batch + 1 - new.len() as u64;
        for (seq, new) in (first..).zip(&new) {
            if let Some(batch) = self.batches.get_mut(&seq) {
                batch.record.on_complete = new.on_complete.map(|job| ids[job]);
                batch.record.on_success = new.on_success.map(|job| ids[job]);
                batch.record.on_death = new.on_death.map(|job| ids[job]);
            }
        }
        // The inner ones first: an outer one may hold nothing but empty ones.
        for seq in (first..=self.last_batch).rev() {
            self.count(seq, Standing::default(), Standing::default(), "", now);
        }
        (first..=self.last_batch).map(|seq| BatchId::derive(seq, now)).collect()
    }

    /// Has the batches count those of their members that have changed.
    pub(super) fn count_moved(&mut self, at: Timestamp) {
        let mut moved = std::mem::take(&mut self.moved).into_iter();
        while let Some(seq) = moved.next() {
            let Some(row) = self.jobs.get_mut(&seq) else { continue };
            let (state, attempt, why) = (row.record.state, row.record.attempt, row.told());
            let Some(InBatch { batch, standing: Some(standing), .. }) = &mut row.in_batch else { continue };
            let after = standing.after(state, attempt);
            let (batch, before) = (*batch, std::mem::replace(standing, after));
            self.count(batch, before, after, &why, at);
            if !self.moved.is_empty() {
                moved = moved.chain(std::mem::take(&mut self.moved)).collect::<Vec<_>>().into_iter();
            }
        }
    }

    /// Has the batch of a job that is about to be deleted count it for the last time.
    pub(super) fn count_deleted(&mut self, seq: u64, at: Timestamp) {
        self.count_moved(at);
        let Some(row) = self.jobs.get(&seq) else { return };
        let Some(InBatch { batch, standing, .. }) = &row.in_batch else { return };
        let (batch, why) = (*batch, format!("batch member {} was deleted", row.record.id));
        if let Some(before) = *standing {
            self.count(batch, before, before.deleted(), &why, at);
        }
        let mut next = Some(batch);
        while let Some(seq) = next.take() {
            let Some(batch) = self.batches.get_mut(&seq) else { return };
            batch.kept -= 1;
            if batch.kept == 0 {
                next = batch.record.parent.and_then(|parent| self.find_batch(parent));
                self.batches.remove(&seq);
            }
        }
    }

    /// Counts what became of one member, and so on up, as far as the batches are members themselves.
    fn count(&mut self, batch: u64, before: Standing, after: Standing, why: &str, at: Timestamp) {
        let mut next = Some((batch, before, after));
        while let Some((batch, before, after)) = next.take() {
            let Some(row) = self.batches.get_mut(&batch) else { return };
            let turn = row.tally.change(before, after, at);
            let after = row.tally.standing();
            let before = std::mem::replace(&mut row.standing, after);
            let record = row.record.clone();
            next = record
                .parent
                .filter(|_| before != after)
                .and_then(|parent| self.find_batch(parent))
                .map(|parent| (parent, before, after));
            self.call_back(&record, turn, why, at);
        }
    }

    fn call_back(&mut self, batch: &BatchRecord, turn: Turn, why: &str, at: Timestamp) {
        let on_success = batch.on_success.and_then(|id| self.find(id));
        on_success.filter(|_| turn.spoiled).into_iter().for_each(|seq| self.spoil(seq, why, at));
        on_success.filter(|_| turn.mended).into_iter().for_each(|seq| self.mend(seq, at));
        self.changed.settled |= turn.complete;
        for (happened, callback) in
            [(turn.complete, batch.on_complete), (turn.success, batch.on_success), (turn.death, batch.on_death)]
        {
            if let Some(seq) = callback.filter(|_| happened).and_then(|id| self.find(id)) {
                self.call(seq, at);
            }
        }
        let on_death = batch.on_death.filter(|_| turn.spared).and_then(|id| self.find(id));
        on_death.into_iter().for_each(|seq| self.spoil(seq, NOBODY_DIED, at));
    }

    /// A callback that waits for what can't happen any more is cancelled.
    fn spoil(&mut self, seq: u64, why: &str, at: Timestamp) {
        let Some(row) = self.jobs.get_mut(&seq).filter(|row| row.record.state == JobState::Waiting) else { return };
        row.in_batch.iter_mut().for_each(|place| place.spoiled = true);
        self.edit(seq, |job| end(job, JobState::Cancelled, Some(why.to_owned()), at));
        self.cancel_waiters(seq, at);
    }

    /// The success callback of a batch that can succeed again is brought back.
    fn mend(&mut self, seq: u64, at: Timestamp) {
        let Some(place) = self.jobs.get_mut(&seq).and_then(|row| row.in_batch.as_mut()) else { return };
        if std::mem::take(&mut place.spoiled) {
            self.revive_waiter(seq, at);
            self.revive_waiters(seq, at);
        }
    }

    /// One thing that a callback waited for has happened.
    fn call(&mut self, seq: u64, at: Timestamp) {
        let Some(row) = self.jobs.get_mut(&seq) else { return };
        row.in_batch.iter_mut().for_each(|place| place.waits -= 1);
        if row.record.state == JobState::Waiting {
            self.let_go(seq, at);
        }
    }

    /// The batch whose success a job waits for.
    fn awaited_success(&self, seq: u64) -> Option<&StoredBatch> {
        let row = &self.jobs[&seq];
        let batch = row.in_batch.as_ref().and_then(|place| self.batches.get(&place.batch))?;
        let awaits = batch.record.on_success == Some(row.record.id) && batch.tally.succeeded_at.is_none();
        awaits.then_some(batch)
    }

    /// Whether a job waits for what can't happen in its batch any more: success, or a death.
    pub(super) fn is_spoiled(&self, seq: u64) -> bool {
        let row = &self.jobs[&seq];
        let batch = row.in_batch.as_ref().and_then(|place| self.batches.get(&place.batch));
        batch.is_some_and(|StoredBatch { record, tally, .. }| {
            let is = |callback: Option<JobId>| callback == Some(row.record.id);
            let succeeded = tally.succeeded_at.is_some();
            (is(record.on_success) && !succeeded && tally.cancelled > 0)
                || (is(record.on_death) && succeeded && tally.died_at.is_none())
        })
    }

    /// Whether a job waits for the success of a batch with a dead member.
    pub(super) fn is_blocked_by_batch(&self, seq: u64) -> bool {
        self.jobs[&seq].record.state == JobState::Waiting
            && self.awaited_success(seq).is_some_and(|batch| batch.tally.dead > 0)
    }

    pub(super) fn batch(&self, id: BatchId) -> Option<BatchRecord> {
        self.find_batch(id).map(|seq| self.batches[&seq].report())
    }

    pub(super) fn list_batches(&self, filter: &BatchFilter) -> Vec<BatchRecord> {
        let end = match filter.before {
            None => Unbounded,
            // An id that no store of this kind gave out comes before everything.
            Some(id) => Excluded(id.parts().map_or(0, |(seq, _)| seq)),
        };
        let newest_first = self.batches.range((Unbounded, end)).rev().map(|(_, batch)| batch);
        let matching = newest_first.filter(|batch| filter.parent.is_none_or(|id| batch.record.parent == Some(id)));
        matching.take(filter.limit.unwrap_or(usize::MAX)).map(StoredBatch::report).collect()
    }
}

impl StoredBatch {
    fn report(&self) -> BatchRecord {
        let mut record = self.record.clone();
        self.tally.report(&mut record);
        record
    }
}
