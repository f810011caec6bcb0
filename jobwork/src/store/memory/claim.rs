//! Handing out jobs.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;

use super::rows::{Row, Rows};
use crate::job::{Claimed, JobState, Lease};
use crate::store::{BYTES_AT_MOST, Batch, Claim, Target};

/// The names that a worker serves, each with the newest version that it understands.
type Names<'a> = HashMap<&'a str, u32>;

/// A claim ends at most so many expired jobs that lie in its way; the next one goes on.
const EXPIRED_AT_MOST: usize = 500;

/// What a claim came upon in one queue.
#[derive(Default)]
struct Found {
    due: Vec<u64>,
    expired: Vec<u64>,
}

impl Rows {
    pub(super) fn claim(&mut self, claim: &Claim) -> Batch {
        let mut batch = Batch::default();
        if !self.workers.contains_key(&claim.worker) {
            return batch;
        }
        if let Some(until) = self.flow.pause(&Target::Everything, claim.now) {
            batch.next_due = until;
            return batch;
        }
        self.release(claim);
        self.start_due(claim, &mut batch);
        self.settle_gates(claim.now);
        let looks = self.flow.gates.next_look(claim);
        batch.next_due = batch.next_due.into_iter().chain(looks).min().filter(|_| batch.jobs.len() < claim.limit);
        batch
    }

    fn start_due(&mut self, claim: &Claim, batch: &mut Batch) {
        let names: Names<'_> = claim.names.iter().map(|served| (served.name.as_str(), served.version)).collect();
        let queues = claim.queues.as_deref().map_or_else(|| Cow::Owned(self.index.rotate()), Cow::Borrowed);
        let mut expired = 0;
        for queue in queues.iter() {
            let next = match self.start_from(queue, claim, &names, batch, &mut expired) {
                Some(wake) => wake,
                None => self.index.next_due(queue, claim.now, |seq| self.is_named(seq, &names)),
            };
            batch.next_due = batch.next_due.into_iter().chain(next).min();
            if expired == EXPIRED_AT_MOST {
                break;
            }
        }
        // Behind jobs that expired there may be more, and their end may make others ready.
        batch.next_due = if expired > 0 { Some(claim.now) } else { batch.next_due };
    }

    /// Starts due jobs of a queue. `None` where it has no more due ones, else when it is worth looking again, if that is
    /// known.
    fn start_from(
        &mut self,
        queue: &str,
        claim: &Claim,
        names: &Names<'_>,
        batch: &mut Batch,
        expired: &mut usize,
    ) -> Option<Option<Timestamp>> {
        let mut most = claim.room(queue, claim.limit - batch.jobs.len());
        let mut bytes: usize = batch.jobs.iter().map(|job| job.args.len()).sum();
        // Others are looked for in the place of those that turn out to be held.
        loop {
            let (free, wake) = self.flow.queue_room(queue, claim.now);
            let room = free.min(most);
            if room == 0 {
                return Some(wake);
            }
            let found = self.find_due(queue, claim, names, room, EXPIRED_AT_MOST - *expired);
            *expired += found.expired.len();
            found.expired.iter().for_each(|seq| self.end_expired(*seq, claim.now));
            let before = batch.jobs.len();
            for seq in &found.due {
                if bytes < BYTES_AT_MOST && self.may_start(*seq, claim.now) {
                    let job = self.start(*seq, claim);
                    bytes += job.args.len();
                    batch.jobs.push(job);
                }
            }
            let started = batch.jobs.len() - before;
            most -= started;
            if *expired == EXPIRED_AT_MOST || bytes >= BYTES_AT_MOST {
                return Some(Some(claim.now));
            }
            if started == found.due.len() && started < room {
                return None;
            }
        }
    }

    /// The due jobs of a queue that the worker can perform, the most urgent first; it comes upon at most `expired`
    /// that have expired.
    fn find_due(&self, queue: &str, claim: &Claim, names: &Names<'_>, room: usize, expired: usize) -> Found {
        let mut found = Found::default();
        for level in self.index.due(queue, claim.now) {
            // Where jobs age, every level may have the most urgent; a level's own order is theirs in any case.
            let wanted = if claim.ageing.is_some() { found.due.len() + room } else { room };
            for seq in level.filter(|seq| self.is_named(*seq, names)) {
                if found.due.len() == wanted || found.expired.len() == expired {
                    break;
                }
                let list = if self.is_expired(seq, claim.now) { &mut found.expired } else { &mut found.due };
                list.push(seq);
            }
        }
        if claim.ageing.is_some() {
            found.due.sort_by_key(|seq| {
                let job = &self.jobs[seq].record;
                claim.urgency(job.priority, job.run_at.as_millisecond(), *seq)
            });
            found.due.truncate(room);
        }
        found
    }

    fn is_named(&self, seq: u64, names: &Names<'_>) -> bool {
        let job = &self.jobs[&seq].record;
        names.get(job.name.as_str()).is_some_and(|newest| job.version <= *newest)
    }

    fn start(&mut self, seq: u64, claim: &Claim) -> Claimed {
        self.edit(seq, |job| {
            job.state = JobState::Running;
            job.attempt += 1;
            job.worker = Some(claim.worker);
            job.started_at = Some(claim.now);
        });
        if let Some(row) = self.jobs.get_mut(&seq) {
            row.claims += 1;
        }
        let Row { record: job, claims, checkpoint, .. } = &self.jobs[&seq];
        let lease = Lease { job: job.id, attempt: job.attempt, worker: claim.worker, claim: *claims };
        Claimed {
            priority: job.priority,
            retries: job.retries,
            rescues: job.rescues,
            tags: job.tags.clone(),
            run_at: job.run_at,
            chain: job.chain.clone(),
            retry_until: job.retry_until,
            version: job.version,
            batch: job.batch,
            checkpoint: checkpoint.clone(),
            ..Claimed::new(lease, job.name.clone(), job.queue.clone(), job.args.clone(), job.created_at)
        }
    }
}
