//! What jobs of one key share: slots, counted by the rows of those that run, and buckets of tokens.
//!
//! A slot is written by the claim and deleted in the write that takes the job out of running, whichever that is, so the
//! count is exact after any crash. Only jobs with [`flag::LIMITED`] are looked at.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::db::Db;
use super::finish::Running;
use super::gates;
use super::rows::{malformed, time};
use super::unreadable::sound;
use crate::job::{Limit, LimitRule, Outcome, Rate};
use crate::store::Topic;
use crate::store::bucket::{Bucket, Level};
use crate::store::limits::is_ours;

/// How much of each key is used, as one claim knows it.
#[derive(Debug)]
pub(super) struct Usage {
    now: Timestamp,
    slots: RefCell<HashMap<String, usize>>,
}

/// When a key that is used up may have room again, and when it is worth looking; `None` until a slot is freed.
pub(super) type Wake = Option<(Timestamp, Timestamp)>;

impl Usage {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, slots: RefCell::default() }
    }

    fn slots(&self, db: &Db, key: &str) -> rusqlite::Result<usize> {
        if let Some(known) = self.slots.borrow().get(key) {
            return Ok(*known);
        }
        let count = db.prepare("SELECT count(*) FROM jobwork_slots WHERE key = ?1")?;
        let used = { count }.query_row([key], |row| row.get::<_, i64>(0))?.unsigned_abs() as usize;
        self.slots.borrow_mut().insert(key.to_owned(), used);
        Ok(used)
    }

    /// How many more jobs of a key its limits allow now.
    pub(super) fn room(&self, db: &Db, limits: &[Limit], key: &str) -> rusqlite::Result<usize> {
        let mut room = usize::MAX;
        for limit in limits.iter().filter(|limit| limit.key == key) {
            room = room.min(match limit.rule {
                LimitRule::Concurrency(count) => (count as usize).saturating_sub(self.slots(db, key)?),
                LimitRule::Rate(rate) => bucket(db, key, rate)?.tokens(self.now),
            });
        }
        Ok(room)
    }

    /// The first key of these limits that has no room.
    pub(super) fn full<'a>(&self, db: &Db, limits: &'a [Limit]) -> rusqlite::Result<Option<&'a str>> {
        for limit in limits {
            if self.room(db, limits, &limit.key)? == 0 {
                return Ok(Some(&limit.key));
            }
        }
        Ok(None)
    }

    /// When a key without room may have some.
    pub(super) fn wake(&self, db: &Db, limits: &[Limit], key: &str) -> rusqlite::Result<Wake> {
        let mut wake = None;
        for limit in limits.iter().filter(|limit| limit.key == key) {
            match limit.rule {
                LimitRule::Concurrency(count) if (count as usize) <= self.slots(db, key)? => return Ok(None),
                LimitRule::Concurrency(_) => {}
                LimitRule::Rate(rate) => {
                    let bucket = bucket(db, key, rate)?;
                    if bucket.tokens(self.now) == 0 {
                        wake = wake.max(Some((bucket.next(), bucket.look(self.now))));
                    }
                }
            }
        }
        Ok(wake)
    }

    /// Takes what a job needs of its limits, which all have room.
    pub(super) fn take(&self, db: &Db, job: i64, limits: &[Limit]) -> rusqlite::Result<()> {
        for limit in limits {
            match limit.rule {
                LimitRule::Concurrency(_) => {
                    let used = self.slots(db, &limit.key)?;
                    let taken = "INSERT OR IGNORE INTO jobwork_slots (key, job) VALUES (?1, ?2)";
                    let taken = db.execute(taken, params![limit.key, job])?;
                    self.slots.borrow_mut().insert(limit.key.clone(), used + taken);
                }
                LimitRule::Rate(rate) => {
                    let taken = bucket(db, &limit.key, rate)?.take(self.now);
                    write(db, &limit.key, taken, self.now)?;
                }
            }
        }
        Ok(())
    }
}

/// The limits that a job was dispatched with.
pub(super) fn of(db: &Db, job: i64) -> rusqlite::Result<Vec<Limit>> {
    let limits = "SELECT limits FROM jobwork_details WHERE job = ?1";
    let limits: Option<Option<String>> = db.prepare(limits)?.query_row([job], |row| row.get(0)).optional()?;
    parse(limits.flatten())
}

pub(super) fn parse(limits: Option<String>) -> rusqlite::Result<Vec<Limit>> {
    limits.map_or(Ok(Vec::new()), |limits| serde_json::from_str(&limits).map_err(|error| malformed(0, error)))
}

/// The stored form; `None` where there are none.
pub(super) fn text(limits: &[Limit]) -> rusqlite::Result<Option<String>> {
    let some = (!limits.is_empty()).then_some(limits);
    some.map(serde_json::to_string).transpose().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A job does not run any more: its slots are free.
pub(super) fn free(db: &Db, job: i64) -> rusqlite::Result<()> {
    let freed = "DELETE FROM jobwork_slots WHERE job = ?1 RETURNING key";
    let keys: Vec<String> = db.prepare(freed)?.query_map([job], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for key in keys {
        gates::open(db, &key)?;
        if is_ours(&key) {
            db.wake(Topic::Ready);
        }
    }
    Ok(())
}

/// A running job has this outcome.
pub(super) fn settle(db: &Db, job: &Running, outcome: &Outcome, at: i64) -> rusqlite::Result<()> {
    match outcome {
        Outcome::Unstarted => give_back(db, job.seq, time(job.started_at))?,
        Outcome::RateLimited { until } => drain(db, job.seq, *until, time(at))?,
        _ => {}
    }
    free(db, job.seq)
}

/// A job was claimed but never begun: the tokens that were taken then are in their buckets again.
fn give_back(db: &Db, job: i64, taken: Timestamp) -> rusqlite::Result<()> {
    for (key, rate) in rates(of(db, job)?) {
        let level = bucket(db, &key, rate)?.give_back(taken).level();
        db.execute("UPDATE jobwork_buckets SET full_at = ?2 WHERE key = ?1", params![key, level.full_at])?;
        gates::open(db, &key)?;
    }
    Ok(())
}

/// The others of a job's rate keys get no tokens before `until`.
fn drain(db: &Db, job: i64, until: Timestamp, now: Timestamp) -> rusqlite::Result<()> {
    for (key, rate) in rates(of(db, job)?) {
        write(db, &key, bucket(db, &key, rate)?.drain(until), now)?;
    }
    Ok(())
}

fn rates(limits: Vec<Limit>) -> impl Iterator<Item = (String, Rate)> {
    limits.into_iter().filter_map(|limit| match limit.rule {
        LimitRule::Rate(rate) => Some((limit.key, rate)),
        LimitRule::Concurrency(_) => None,
    })
}

fn bucket(db: &Db, key: &str, rate: Rate) -> rusqlite::Result<Bucket> {
    let level = |row: &Row<'_>| Ok(Level { full_at: row.get(0)?, taken_at: row.get(1)? });
    let mut levels = db.prepare("SELECT full_at, taken_at FROM jobwork_buckets WHERE key = ?1")?;
    // One that can't be read is full again: many jobs share it, and none of them is at fault.
    let level = levels.query_row([key], |row| sound(level(row), "a bucket of tokens")).optional()?;
    Ok(Bucket::new(rate, level.flatten()))
}

/// Keeps a bucket. For each one that is kept, two are forgotten that have filled since: a full one needs no row.
fn write(db: &Db, key: &str, bucket: Bucket, now: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO jobwork_buckets (key, full_at, taken_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET full_at = excluded.full_at, taken_at = excluded.taken_at",
        params![key, bucket.level().full_at, bucket.level().taken_at],
    )?;
    let now = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
    let full = "DELETE FROM jobwork_buckets WHERE key IN (SELECT key FROM jobwork_buckets WHERE full_at < ?1 LIMIT 2)";
    db.execute(full, [now])?;
    Ok(())
}
