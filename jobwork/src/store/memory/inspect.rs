use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::Memory;
use super::rows::{Row, Rows};
use crate::error::Result;
use crate::job::{Attempt, BatchId, BatchRecord, JobId, JobState, LogLine, Record, WorkerId};
use crate::store::{BatchFilter, CancelAnswer, Command, Counts, Filter, Inspect, QueueCounts, WorkerRecord};

#[async_trait]
impl Inspect for Memory {
    async fn get(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<Option<Record>>> {
        Ok(self.read(|rows| ids.iter().map(|id| rows.find(*id).map(|seq| rows.report(seq, now))).collect()))
    }

    async fn history(&self, id: JobId) -> Result<Vec<Attempt>> {
        Ok(self.read(|rows| rows.find(id).map(|seq| rows.jobs[&seq].history.clone()).unwrap_or_default()))
    }

    async fn log(&self, id: JobId) -> Result<Vec<LogLine>> {
        Ok(self.read(|rows| rows.find(id).map(|seq| rows.jobs[&seq].log.iter().cloned().collect()).unwrap_or_default()))
    }

    async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Record>> {
        Ok(self.read(|rows| rows.list(filter, now)))
    }

    async fn chain(&self, id: JobId, now: Timestamp) -> Result<Vec<Record>> {
        Ok(self.read(|rows| rows.chain(id, now)))
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>> {
        Ok(self.read(|rows| rows.batch(id)))
    }

    async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>> {
        Ok(self.read(|rows| rows.list_batches(filter)))
    }

    async fn cancel(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        Ok(self.write(|rows| rows.cancel(ids, now)))
    }

    async fn retry(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        Ok(self.write(|rows| ids.iter().map(|id| rows.retry(*id, now)).collect()))
    }

    async fn requeue(&self, ids: &[JobId], queue: &str, now: Timestamp) -> Result<Vec<bool>> {
        Ok(self.write(|rows| ids.iter().map(|id| rows.requeue(*id, queue, now)).collect()))
    }

    async fn delete(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        Ok(self.write(|rows| ids.iter().map(|id| rows.delete(*id, now)).collect()))
    }

    async fn counts(&self, now: Timestamp) -> Result<Counts> {
        let mut counts = Counts::default();
        self.read(|rows| rows.jobs.values().for_each(|row| *counts.of(row.state(now)) += 1));
        Ok(counts)
    }

    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueCounts>> {
        Ok(self.read(|rows| rows.queues(now)))
    }

    async fn workers(&self, _now: Timestamp) -> Result<Vec<WorkerRecord>> {
        Ok(self.read(|rows| rows.workers.values().map(|worker| worker.record.clone()).collect()))
    }

    async fn command(&self, worker: WorkerId, command: Command) -> Result<bool> {
        Ok(self.write(|rows| rows.command(worker, command)))
    }
}

impl Row {
    /// The state as it is reported: a ready job that is not due is scheduled.
    fn state(&self, now: Timestamp) -> JobState {
        match self.record.state {
            JobState::Ready if self.record.run_at > now => JobState::Scheduled,
            state => state,
        }
    }

    /// Whether this text stands in what the job failed of.
    fn says(&self, error: &str) -> bool {
        let error = error.to_ascii_lowercase();
        let failures =
            self.history.iter().filter_map(|attempt| attempt.failure.as_ref()).map(|failure| &failure.message);
        failures.chain(&self.record.reason).any(|text| text.to_ascii_lowercase().contains(&error))
    }

    fn matches(&self, filter: &Filter, now: Timestamp) -> bool {
        let job = &self.record;
        (filter.states.is_empty() || filter.states.contains(&self.state(now)))
            && filter.queue.as_ref().is_none_or(|queue| *queue == job.queue)
            && filter.name.as_ref().is_none_or(|name| *name == job.name)
            && filter.tags.iter().all(|tag| job.tags.contains(tag))
            && filter.created_after.is_none_or(|time| job.created_at > time)
            && filter.created_before.is_none_or(|time| job.created_at < time)
            && filter.finished_before.is_none_or(|time| job.finished_at.is_some_and(|ended| ended < time))
            && filter.error.as_ref().is_none_or(|error| self.says(error))
            && filter.batch.is_none_or(|batch| job.batch == Some(batch) && self.is_member())
    }
}

impl Rows {
    fn report(&self, seq: u64, now: Timestamp) -> Record {
        let row = &self.jobs[&seq];
        Record {
            state: row.state(now),
            blocked: self.is_blocked(seq) || self.is_blocked_by_batch(seq),
            ..row.record.clone()
        }
    }

    /// Whether a dead job stands somewhere before this one.
    fn is_blocked(&self, seq: u64) -> bool {
        let mut seen = HashSet::new();
        let mut waiting = vec![seq];
        while let Some(row) = waiting.pop().and_then(|seq| self.jobs.get(&seq)) {
            if row.record.state != JobState::Waiting {
                continue;
            }
            for on in row.waits.iter().map(|wait| wait.on).filter(|on| seen.insert(*on)) {
                if self.jobs.get(&on).is_some_and(|row| row.record.state == JobState::Dead) {
                    return true;
                }
                waiting.push(on);
            }
        }
        false
    }

    fn list(&self, filter: &Filter, now: Timestamp) -> Vec<Record> {
        let end = match filter.before {
            None => u64::MAX,
            // An id that no store of this kind gave out comes before everything.
            Some(id) => id.parts().map_or(0, |(seq, _)| seq),
        };
        let newest_first = self.jobs.range(..end).rev();
        let matching = newest_first.filter(|(_, row)| row.matches(filter, now));
        matching.take(filter.limit.unwrap_or(usize::MAX)).map(|(seq, _)| self.report(*seq, now)).collect()
    }

    fn chain(&self, id: JobId, now: Timestamp) -> Vec<Record> {
        let Some(seq) = self.find(id) else { return Vec::new() };
        let chain = self.jobs[&seq].record.chain.as_ref().and_then(|member| self.chains.get(&member.chain));
        let Some(members) = chain else { return vec![self.report(seq, now)] };
        let mut members: Vec<Record> = members.iter().map(|seq| self.report(*seq, now)).collect();
        members.sort_by_key(|job| job.chain.as_ref().map(|member| member.position));
        members
    }

    fn queues(&self, now: Timestamp) -> Vec<QueueCounts> {
        let mut queues: BTreeMap<&str, QueueCounts> = BTreeMap::new();
        for row in self.jobs.values().filter(|row| !row.record.state.is_final()) {
            let name = row.record.queue.as_str();
            let queue = queues.entry(name).or_insert_with(|| QueueCounts::empty(name));
            match row.state(now) {
                JobState::Waiting => queue.waiting += 1,
                JobState::Scheduled => queue.scheduled += 1,
                JobState::Running => queue.running += 1,
                _ => {
                    queue.ready += 1;
                    let oldest = queue.oldest_due.unwrap_or(Timestamp::MAX);
                    queue.oldest_due = Some(oldest.min(row.record.run_at));
                }
            }
        }
        queues.into_values().collect()
    }
}
