use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Postgres;
use super::failure::Failed;
use super::look::{malformed, readable};
use super::rows::{millis, time};
use crate::error::{Error, Result};
use crate::store::{Control, Pause, QueueLimit, SetBy, Target};

#[async_trait]
impl Control for Postgres {
    async fn pause(&self, target: &Target, until: Option<Timestamp>, _now: Timestamp) -> Result<()> {
        let (kind, name) = columns(target);
        let params = [(&kind as _, Type::TEXT), (&name as _, Type::TEXT), (&until.map(millis) as _, Type::INT8)];
        self.server().change_one("SELECT @.pause($1, $2, $3)", &params).await.map_err(Error::store)?;
        Ok(())
    }

    async fn resume(&self, target: &Target, now: Timestamp) -> Result<bool> {
        let (kind, name) = columns(target);
        let params = [(&kind as _, Type::TEXT), (&name as _, Type::TEXT), (&millis(now) as _, Type::INT8)];
        Ok(self.server().change_one("SELECT @.resume($1, $2, $3)", &params).await.map_err(Error::store)?.get(0))
    }

    async fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>> {
        let all = "SELECT kind, name, until FROM @.pauses WHERE until IS NULL OR until > $1 ORDER BY kind, name";
        let found = self.server().call(all, &[(&millis(now), Type::INT8)]).await.map_err(Error::store)?;
        Ok(readable(&found, "a pause", pause))
    }

    async fn limit_queue(&self, queue: &str, limit: QueueLimit, by: SetBy) -> Result<()> {
        limit.check(queue)?;
        let rule = serde_json::to_string(&limit).map_err(Error::store)?;
        let params = [
            (&queue as _, Type::TEXT),
            (&rule as _, Type::TEXT),
            (&limit.is_empty() as _, Type::BOOL),
            (&(by == SetBy::Start) as _, Type::BOOL),
            (&limit.concurrency.is_some() as _, Type::BOOL),
        ];
        self.server().change_one("SELECT @.limit_queue($1, $2, $3, $4, $5)", &params).await.map_err(Error::store)?;
        Ok(())
    }

    async fn queue_limits(&self) -> Result<Vec<(String, QueueLimit)>> {
        let all = "SELECT queue, rule FROM @.queue_limits WHERE rule IS NOT NULL ORDER BY queue";
        let found = self.server().call(all, &[]).await.map_err(Error::store)?;
        let limit = |row: &Row| Ok((row.get(0), serde_json::from_str(row.get(1)).map_err(malformed)?));
        Ok(readable(&found, "a limit of a queue", limit))
    }
}

/// The stored form of a target: a word for what it is, and its name.
fn columns(target: &Target) -> (&'static str, &str) {
    match target {
        Target::Everything => ("everything", ""),
        Target::Queue(queue) => ("queue", queue),
        Target::Job(name) => ("job", name),
    }
}

fn pause(row: &Row) -> Result<Pause, Failed> {
    let name: String = row.get("name");
    let target = match row.get("kind") {
        "everything" => Target::Everything,
        "queue" => Target::Queue(name),
        "job" => Target::Job(name),
        other => return Err(Failed::Ours(format!("a stored pause is of the unknown kind `{other}`"))),
    };
    Ok(Pause::new(target, row.get::<_, Option<i64>>("until").map(time)))
}
