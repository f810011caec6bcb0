use std::collections::BTreeSet;

use jiff::Timestamp;

use super::expire::forgive;
use super::outcomes::end;
use super::rows::Rows;
use crate::job::{JobId, JobState};
use crate::store::CancelAnswer;

impl Rows {
    pub(super) fn cancel(&mut self, ids: &[JobId], now: Timestamp) -> Vec<CancelAnswer> {
        // Asked before anything changes: a job that is cancelled with an earlier one of `ids` had not ended before.
        let answers = ids.iter().map(|id| self.cancel_answer(*id)).collect();
        for seq in ids.iter().filter_map(|id| self.find(*id)).collect::<Vec<_>>() {
            self.cancel_job(seq, now);
            self.count_moved(now);
        }
        answers
    }

    fn cancel_answer(&self, id: JobId) -> CancelAnswer {
        match self.find(id).map(|seq| self.jobs[&seq].record.state) {
            None => CancelAnswer::NotFound,
            Some(JobState::Running) => CancelAnswer::Requested,
            Some(state) if state.is_final() => CancelAnswer::Ended,
            Some(_) => CancelAnswer::Cancelled,
        }
    }

    fn cancel_job(&mut self, seq: u64, now: Timestamp) {
        match self.jobs[&seq].record.state {
            JobState::Running => {
                self.edit(seq, |job| job.cancel_requested = true);
                self.changed.signals = true;
            }
            state if state.is_final() => {}
            _ => {
                self.edit(seq, |job| end(job, JobState::Cancelled, None, now));
                self.cancel_waiters(seq, now);
            }
        }
    }

    pub(super) fn retry(&mut self, id: JobId, now: Timestamp) -> bool {
        let Some(seq) = self.find(id) else { return false };
        let row = &self.jobs[&seq];
        let scheduled = row.record.state == JobState::Ready && row.record.run_at > now;
        if !(scheduled || row.record.state.is_final()) || self.obstacle(seq).is_some() || self.is_spoiled(seq) {
            return false;
        }
        if row.record.state.is_final() {
            if self.take_key_again(seq, now).is_some() {
                return false;
            }
            self.enter_line(seq);
        }
        self.begin_anew(seq);
        self.revive(seq, now);
        self.edit(seq, |job| {
            job.run_at = now;
            job.attempt = 0;
            job.rescues = 0;
            job.output = None;
            job.cancel_requested = false;
        });
        self.revive_waiters(seq, now);
        self.count_moved(now);
        true
    }

    pub(super) fn requeue(&mut self, id: JobId, queue: &str, now: Timestamp) -> bool {
        let Some(seq) = self.find(id) else { return false };
        let state = self.jobs[&seq].record.state;
        if state == JobState::Running || (state.is_final() && !self.retry(id, now)) {
            return false;
        }
        self.edit(seq, |job| queue.clone_into(&mut job.queue));
        true
    }

    /// Makes a job what it was before it ended: ready, or waiting for what it still waits for.
    fn revive(&mut self, seq: u64, now: Timestamp) {
        let Some(row) = self.jobs.get_mut(&seq) else { return };
        row.cancelled_by = None;
        let state = if row.is_free() { JobState::Ready } else { JobState::Waiting };
        self.edit(seq, |job| {
            job.state = state;
            job.reason = None;
            job.finished_at = None;
            forgive(job, now);
        });
    }

    /// Brings back those that were cancelled because of this job.
    pub(super) fn revive_waiters(&mut self, cause: u64, now: Timestamp) {
        let mut waiters: BTreeSet<u64> = self.jobs[&cause].waiters.iter().copied().collect();
        // In the order of dispatch, so that a job is looked at after all those that it waits for.
        while let Some(seq) = waiters.pop_first() {
            let Some(row) = self.jobs.get(&seq).filter(|row| row.cancelled_by == Some(cause)) else { continue };
            waiters.extend(&row.waiters);
            match self.obstacle(seq) {
                None => self.revive_waiter(seq, now),
                Some((other, why)) => {
                    self.edit(seq, |job| job.reason = Some(why));
                    self.jobs.entry(seq).and_modify(|row| row.cancelled_by = Some(other));
                }
            }
        }
    }

    /// One whose unique key is another job's by now stays cancelled by itself.
    pub(super) fn revive_waiter(&mut self, seq: u64, now: Timestamp) {
        match self.take_key_again(seq, now) {
            None => {
                self.enter_line(seq);
                self.revive(seq, now);
            }
            Some(other) => {
                self.edit(seq, |job| job.reason = Some(format!("job {other} has its unique key")));
                self.jobs.entry(seq).and_modify(|row| row.cancelled_by = None);
            }
        }
    }

    /// Why a job can't go on even if it is revived: something that it waits for ended without an output.
    fn obstacle(&self, seq: u64) -> Option<(u64, String)> {
        let gone = |seq: &u64| {
            let state = self.jobs.get(seq).map(|row| row.record.state);
            matches!(state, None | Some(JobState::Cancelled | JobState::Discarded))
        };
        self.jobs[&seq].waits.iter().map(|wait| wait.on).find(gone).map(|on| self.cause(on))
    }

    pub(super) fn delete(&mut self, id: JobId, now: Timestamp) -> bool {
        let Some(seq) = self.find(id) else { return false };
        if self.jobs[&seq].record.state == JobState::Running {
            return false;
        }
        self.cancel_waiters_because(seq, &format!("chain member {id} was deleted"), now);
        let record = self.jobs[&seq].record.clone();
        self.leave_gate(seq, &record, None);
        self.count_deleted(seq, now);
        self.leave_line(seq, now);
        self.drop_key(seq);
        let Some(row) = self.jobs.remove(&seq) else { return false };
        self.index.remove(seq, &row.record);
        for wait in &row.waits {
            self.jobs.entry(wait.on).and_modify(|awaited| awaited.waiters.retain(|waiter| *waiter != seq));
        }
        let chain = row.record.chain.map(|member| member.chain);
        if let Some(members) = chain.and_then(|chain| self.chains.get_mut(&chain)) {
            members.retain(|member| *member != seq);
        }
        // Whoever waits for this job's end waits for ever unless it looks again.
        self.changed.settled = true;
        true
    }
}
