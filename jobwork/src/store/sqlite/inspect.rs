use async_trait::async_trait;
use jiff::Timestamp;

use super::rows::millis;
use super::{Sqlite, batches, change, history, look, notes};
use crate::error::Result;
use crate::job::{Attempt, BatchId, BatchRecord, JobId, LogLine, Record, WorkerId};
use crate::store::{BatchFilter, CancelAnswer, Command, Counts, Filter, Inspect, QueueCounts, WorkerRecord};

#[async_trait]
impl Inspect for Sqlite {
    async fn get(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<Option<Record>>> {
        let (ids, now) = (ids.to_vec(), millis(now));
        self.reader().call(move |rows| ids.iter().map(|id| look::get(rows, *id, now)).collect()).await
    }

    async fn history(&self, id: JobId) -> Result<Vec<Attempt>> {
        self.reader().call(move |rows| history::read(rows, id)).await
    }

    async fn log(&self, id: JobId) -> Result<Vec<LogLine>> {
        self.reader().call(move |rows| notes::log(rows, id)).await
    }

    async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Record>> {
        let (filter, now) = (filter.clone(), millis(now));
        self.reader().call(move |rows| look::list(rows, &filter, now)).await
    }

    async fn chain(&self, id: JobId, now: Timestamp) -> Result<Vec<Record>> {
        let now = millis(now);
        self.reader().call(move |rows| look::chain(rows, id, now)).await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>> {
        self.reader().call(move |rows| batches::get(rows, id)).await
    }

    async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>> {
        let filter = filter.clone();
        self.reader().call(move |rows| batches::list(rows, &filter)).await
    }

    async fn cancel(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        let (ids, now) = (ids.to_vec(), millis(now));
        self.writer().write(move |db| change::cancel(db, &ids, now)).await
    }

    async fn retry(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        let (ids, now) = (ids.to_vec(), millis(now));
        self.writer().write(move |db| ids.iter().map(|id| change::retry(db, *id, now)).collect()).await
    }

    async fn requeue(&self, ids: &[JobId], queue: &str, now: Timestamp) -> Result<Vec<bool>> {
        let (ids, queue, now) = (ids.to_vec(), queue.to_owned(), millis(now));
        self.writer().write(move |db| ids.iter().map(|id| change::requeue(db, *id, &queue, now)).collect()).await
    }

    async fn delete(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        let (ids, now) = (ids.to_vec(), millis(now));
        self.writer().write(move |db| ids.iter().map(|id| change::delete(db, *id, now)).collect()).await
    }

    async fn counts(&self, now: Timestamp) -> Result<Counts> {
        let now = millis(now);
        self.reader().call(move |rows| look::counts(rows, now)).await
    }

    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueCounts>> {
        let now = millis(now);
        self.reader().call(move |rows| look::queues(rows, now)).await
    }

    async fn workers(&self, _now: Timestamp) -> Result<Vec<WorkerRecord>> {
        self.reader().call(look::workers).await
    }

    async fn command(&self, worker: WorkerId, command: Command) -> Result<bool> {
        self.writer().write(move |db| change::command(db, worker, command)).await
    }
}
