use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::db::Db;
use super::rows::{flag, malformed, millis, time};
use super::unreadable::all_sound;
use super::{Sqlite, gates};
use crate::error::Result;
use crate::store::limits::{name_key, queue_key};
use crate::store::{Control, Pause, QueueLimit, SetBy, Target, Topic};

#[async_trait]
impl Control for Sqlite {
    async fn pause(&self, target: &Target, until: Option<Timestamp>, _now: Timestamp) -> Result<()> {
        let target = target.clone();
        self.writer().write(move |db| pause(db, &target, until)).await
    }

    async fn resume(&self, target: &Target, now: Timestamp) -> Result<bool> {
        let target = target.clone();
        self.writer().write(move |db| resume(db, &target, now)).await
    }

    async fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>> {
        self.reader().call(move |rows| pauses(rows, now)).await
    }

    async fn limit_queue(&self, queue: &str, limit: QueueLimit, by: SetBy) -> Result<()> {
        limit.check(queue)?;
        let queue = queue.to_owned();
        self.writer().write(move |db| limit_queue(db, &queue, limit, by)).await
    }

    async fn queue_limits(&self) -> Result<Vec<(String, QueueLimit)>> {
        self.reader().call(queue_limits).await
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

fn pause(db: &Db, target: &Target, until: Option<Timestamp>) -> rusqlite::Result<()> {
    let (kind, name) = columns(target);
    db.execute(
        "INSERT INTO jobwork_pauses (kind, name, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, name) DO UPDATE SET until = excluded.until",
        params![kind, name, until.map(millis)],
    )?;
    look_again(db, target)
}

fn resume(db: &Db, target: &Target, now: Timestamp) -> rusqlite::Result<bool> {
    let (kind, name) = columns(target);
    let until = "DELETE FROM jobwork_pauses WHERE kind = ?1 AND name = ?2 RETURNING until";
    let until: Option<Option<i64>> = db.prepare(until)?.query_row([kind, name], |row| row.get(0)).optional()?;
    look_again(db, target)?;
    Ok(until.is_some_and(|until| until.is_none_or(|until| until > millis(now))))
}

/// What is held by a pause has to be looked at: it may go, or another time counts for it.
fn look_again(db: &Db, target: &Target) -> rusqlite::Result<()> {
    db.wake(Topic::Ready);
    if let Target::Job(name) = target { gates::open(db, &name_key(name)) } else { Ok(()) }
}

/// What is paused now.
pub(super) fn pauses(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Pause>> {
    let mut pauses = connection.prepare_cached(
        "SELECT kind, name, until FROM jobwork_pauses WHERE until IS NULL OR until > ?1 ORDER BY kind, name",
    )?;
    let pause = |row: &Row| Ok(Pause::new(target(row)?, row.get::<_, Option<i64>>(2)?.map(time)));
    all_sound(pauses.query([millis(now)])?, "a pause", pause)
}

fn target(row: &Row<'_>) -> rusqlite::Result<Target> {
    let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
    match kind.as_str() {
        "everything" => Ok(Target::Everything),
        "queue" => Ok(Target::Queue(name)),
        "job" => Ok(Target::Job(name)),
        other => Err(malformed(0, format!("unknown kind of pause `{other}`"))),
    }
}

fn limit_queue(db: &Db, queue: &str, limit: QueueLimit, by: SetBy) -> rusqlite::Result<()> {
    let text = serde_json::to_string(&limit).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let at_start: Option<Option<String>> = db
        .prepare("SELECT at_start FROM jobwork_queue_limits WHERE queue = ?1")?
        .query_row([queue], |row| Ok(row.get(0).unwrap_or_default()))
        .optional()?;
    let started = (by == SetBy::Start).then_some(&text);
    if started.is_some() && at_start.flatten().as_ref() == started {
        return Ok(());
    }
    db.execute(
        "INSERT INTO jobwork_queue_limits (queue, rule, at_start) VALUES (?1, ?2, ?3)
         ON CONFLICT (queue) DO UPDATE SET rule = excluded.rule, at_start = coalesce(excluded.at_start, at_start)",
        params![queue, (!limit.is_empty()).then_some(&text), started],
    )?;
    count_running(db, queue, limit)?;
    db.wake(Topic::Ready);
    Ok(())
}

/// Those that run already have slots too.
fn count_running(db: &Db, queue: &str, limit: QueueLimit) -> rusqlite::Result<()> {
    if limit.concurrency.is_none() {
        return Ok(());
    }
    let counted = "INSERT OR IGNORE INTO jobwork_slots (key, job)
         SELECT ?1, seq FROM jobwork_running WHERE queue = ?2";
    db.execute(counted, [&queue_key(queue), queue])?;
    let flagged = "UPDATE jobwork_jobs SET flags = flags | ?2
         WHERE seq IN (SELECT seq FROM jobwork_running WHERE queue = ?1)";
    db.execute(flagged, params![queue, flag::LIMITED])?;
    Ok(())
}

/// The queues that have limits.
pub(super) fn queue_limits(connection: &Connection) -> rusqlite::Result<Vec<(String, QueueLimit)>> {
    let limits = "SELECT queue, rule FROM jobwork_queue_limits WHERE rule IS NOT NULL ORDER BY queue";
    all_sound(connection.prepare_cached(limits)?.query([])?, "a queue's limit", |row| {
        let rule: String = row.get(1)?;
        Ok((row.get(0)?, serde_json::from_str(&rule).map_err(|error| malformed(1, error))?))
    })
}
