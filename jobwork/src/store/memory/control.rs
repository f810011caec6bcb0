use async_trait::async_trait;
use jiff::Timestamp;

use super::Memory;
use super::rows::Rows;
use crate::error::Result;
use crate::job::JobState;
use crate::store::limits::{name_key, queue_key};
use crate::store::{Control, Pause, QueueLimit, SetBy, Target};

#[async_trait]
impl Control for Memory {
    async fn pause(&self, target: &Target, until: Option<Timestamp>, _now: Timestamp) -> Result<()> {
        self.write(|rows| {
            rows.flow.pauses.insert(target.clone(), until);
            rows.look_again(target);
        });
        Ok(())
    }

    async fn resume(&self, target: &Target, now: Timestamp) -> Result<bool> {
        Ok(self.write(|rows| {
            let paused = rows.flow.pause(target, now).is_some();
            rows.flow.pauses.remove(target);
            rows.look_again(target);
            paused
        }))
    }

    async fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>> {
        let paused = |rows: &Rows| {
            let pauses = rows
                .flow
                .pauses
                .keys()
                .filter_map(|target| rows.flow.pause(target, now).map(|until| Pause::new(target.clone(), until)));
            pauses.collect()
        };
        Ok(self.read(paused))
    }

    async fn limit_queue(&self, queue: &str, limit: QueueLimit, by: SetBy) -> Result<()> {
        limit.check(queue)?;
        self.write(|rows| rows.limit_queue(queue, limit, by));
        Ok(())
    }

    async fn queue_limits(&self) -> Result<Vec<(String, QueueLimit)>> {
        let limited = |rows: &Rows| {
            let limits = rows.flow.queues.iter().filter(|(_, (limit, _))| !limit.is_empty());
            limits.map(|(queue, (limit, _))| (queue.clone(), *limit)).collect()
        };
        Ok(self.read(limited))
    }
}

impl Rows {
    /// What is held by a pause has to be looked at: it may go, or another time counts for it.
    fn look_again(&mut self, target: &Target) {
        self.changed.ready = true;
        if let Target::Job(name) = target {
            self.open_gates(&name_key(name));
        }
    }

    fn limit_queue(&mut self, queue: &str, limit: QueueLimit, by: SetBy) {
        let known = self.flow.queues.get(queue).copied();
        let at_start = known.and_then(|(_, at_start)| at_start);
        if by == SetBy::Start && at_start == Some(limit) {
            return;
        }
        let at_start = if by == SetBy::Start { Some(limit) } else { at_start };
        self.flow.queues.insert(queue.to_owned(), (limit, at_start));
        self.changed.ready = true;
        if limit.concurrency.is_some() {
            let key = queue_key(queue);
            let running = self.jobs.iter().filter(|(_, row)| row.record.state == JobState::Running);
            let running: Vec<u64> = running.filter(|(_, row)| row.record.queue == queue).map(|(seq, _)| *seq).collect();
            running.into_iter().for_each(|seq| self.flow.limits.occupy(seq, &key));
        }
    }
}
