//! Jobs whose time is over.

use jiff::Timestamp;

use super::outcomes::end;
use super::rows::Rows;
use crate::job::{JobState, Record};
use crate::store::EXPIRED;

impl Rows {
    pub(super) fn expire(&mut self, now: Timestamp, limit: usize) -> usize {
        let expired: Vec<u64> = self.index.expired(now).take(limit).collect();
        expired.iter().for_each(|seq| self.end_expired(*seq, now));
        expired.len()
    }

    pub(super) fn is_expired(&self, seq: u64, now: Timestamp) -> bool {
        self.jobs[&seq].record.expires_at.is_some_and(|time| time <= now)
    }

    /// Ends a job that has expired, with those that wait for it.
    pub(super) fn end_expired(&mut self, seq: u64, now: Timestamp) {
        // It may have been cancelled a moment ago, with one that it waited for.
        if !self.jobs[&seq].record.state.is_final() {
            self.edit(seq, |job| end(job, JobState::Discarded, Some(EXPIRED.to_owned()), now));
            self.cancel_waiters(seq, now);
            self.count_moved(now);
        }
    }
}

/// Times that have passed no longer hold for a job that is to run all the same.
pub(super) fn forgive(job: &mut Record, now: Timestamp) {
    job.expires_at.take_if(|time| *time <= now);
    job.retry_until.take_if(|time| *time <= now);
}
