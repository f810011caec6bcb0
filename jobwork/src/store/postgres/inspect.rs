use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::rows::millis;
use super::{Postgres, batches, look, notes};
use crate::error::{Error, Result};
use crate::job::{Attempt, BatchId, BatchRecord, JobId, LogLine, Record, WorkerId};
use crate::store::{BatchFilter, CancelAnswer, Command, Counts, Filter, Inspect, QueueCounts, WorkerRecord};

#[async_trait]
impl Inspect for Postgres {
    async fn get(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<Option<Record>>> {
        look::get(self.server(), ids, millis(now)).await.map_err(Error::store)
    }

    async fn history(&self, id: JobId) -> Result<Vec<Attempt>> {
        look::history(self.server(), id).await.map_err(Error::store)
    }

    async fn log(&self, id: JobId) -> Result<Vec<LogLine>> {
        notes::log(self.server(), id).await.map_err(Error::store)
    }

    async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Record>> {
        look::list(self.server(), filter, millis(now)).await.map_err(Error::store)
    }

    async fn chain(&self, id: JobId, now: Timestamp) -> Result<Vec<Record>> {
        look::chain(self.server(), id, millis(now)).await.map_err(Error::store)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>> {
        batches::get(self.server(), id).await.map_err(Error::store)
    }

    async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>> {
        batches::list(self.server(), filter).await.map_err(Error::store)
    }

    async fn cancel(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        let params = [(&uuids(ids) as _, Type::UUID_ARRAY), (&millis(now) as _, Type::INT8)];
        let answers: Vec<String> =
            self.server().change_one("SELECT @.cancel($1, $2)", &params).await.map_err(Error::store)?.get(0);
        Ok(answers.iter().map(|answer| cancel_answer(answer)).collect())
    }

    async fn retry(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        let params = [(&uuids(ids) as _, Type::UUID_ARRAY), (&millis(now) as _, Type::INT8)];
        Ok(self.server().change_one("SELECT @.retry($1, $2)", &params).await.map_err(Error::store)?.get(0))
    }

    async fn requeue(&self, ids: &[JobId], queue: &str, now: Timestamp) -> Result<Vec<bool>> {
        let params = [(&uuids(ids) as _, Type::UUID_ARRAY), (&queue as _, Type::TEXT), (&millis(now) as _, Type::INT8)];
        Ok(self.server().change_one("SELECT @.requeue($1, $2, $3)", &params).await.map_err(Error::store)?.get(0))
    }

    async fn delete(&self, ids: &[JobId], now: Timestamp) -> Result<Vec<bool>> {
        let params = [(&uuids(ids) as _, Type::UUID_ARRAY), (&millis(now) as _, Type::INT8)];
        Ok(self.server().change_one("SELECT @.delete($1, $2)", &params).await.map_err(Error::store)?.get(0))
    }

    async fn counts(&self, now: Timestamp) -> Result<Counts> {
        look::counts(self.server(), millis(now)).await.map_err(Error::store)
    }

    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueCounts>> {
        look::queues(self.server(), millis(now)).await.map_err(Error::store)
    }

    async fn workers(&self, _now: Timestamp) -> Result<Vec<WorkerRecord>> {
        look::workers(self.server()).await.map_err(Error::store)
    }

    async fn command(&self, worker: WorkerId, command: Command) -> Result<bool> {
        let params = [(&worker.as_uuid() as _, Type::UUID), (&command.as_str() as _, Type::TEXT)];
        Ok(self.server().change_one("SELECT @.command($1, $2)", &params).await.map_err(Error::store)?.get(0))
    }
}

fn uuids(ids: &[JobId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

fn cancel_answer(word: &str) -> CancelAnswer {
    match word {
        "cancelled" => CancelAnswer::Cancelled,
        "requested" => CancelAnswer::Requested,
        "ended" => CancelAnswer::Ended,
        _ => CancelAnswer::NotFound,
    }
}
