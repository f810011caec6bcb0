//! The file, and every statement on it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::bare::job::Job;

/// States of a row.
pub(super) const READY: i64 = 0;
pub(super) const RUNNING: i64 = 1;

/// As wide as a job's row must be at least, with the one index that claims need.
const SCHEMA: &str = "
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    args BLOB NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0,
    run_at INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 25,
    lease_until INTEGER,
    worker INTEGER,
    error TEXT,
    created_at INTEGER NOT NULL,
    done_at INTEGER
);
CREATE INDEX ready ON jobs (queue, priority, run_at, id) WHERE state = 0;
";

/// The settings that jobwork's store has.
const SETTINGS: &str = "
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;
PRAGMA wal_autocheckpoint = 4000;
";

const INSERT: &str = "INSERT INTO jobs (kind, queue, args, priority, run_at, state, attempt, created_at)
    VALUES ('SendEmail', 'default', ?1, 0, ?2, ?3, ?3, ?2)";
const CLAIM: &str = "UPDATE jobs SET state = 1, attempt = attempt + 1, lease_until = ?1 + 30000, worker = 1
    WHERE id IN (SELECT id FROM jobs WHERE state = 0 AND queue = 'default' AND run_at <= ?1
        ORDER BY priority, run_at, id LIMIT ?2)
    RETURNING id, args";
const KEEP: &str = "UPDATE jobs SET state = 2, done_at = ?2, lease_until = NULL WHERE id = ?1";
const DELETE: &str = "DELETE FROM jobs WHERE id = ?1";

/// What becomes of the row of a job that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Deleted,
}

/// One connection to a new file.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    fate: Fate,
}

impl Store {
    pub(super) fn open(file: &Path, fate: Fate) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(SETTINGS)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection, fate })
    }

    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
    }

    pub(super) fn commit(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map(drop)
    }

    /// Stores a job in this state, and gives its id.
    pub(super) fn insert(&self, args: &[u8], state: i64) -> rusqlite::Result<i64> {
        self.connection.prepare_cached(INSERT)?.insert(params![args, now(), state])
    }

    /// Takes as many ready jobs, the oldest first.
    pub(super) fn claim(&self, limit: usize) -> rusqlite::Result<Vec<Job>> {
        let mut claim = self.connection.prepare_cached(CLAIM)?;
        let jobs =
            claim.query_map(params![now(), limit as i64], |row| Ok(Job { id: row.get(0)?, args: row.get(1)? }))?;
        jobs.collect()
    }

    /// Ends these jobs, and says how many rows that changed.
    pub(super) fn end(&self, ids: &[i64]) -> rusqlite::Result<usize> {
        let now = now();
        match self.fate {
            Fate::Kept => {
                let mut keep = self.connection.prepare_cached(KEEP)?;
                ids.iter().map(|id| keep.execute([*id, now])).sum()
            }
            Fate::Deleted => {
                let mut delete = self.connection.prepare_cached(DELETE)?;
                ids.iter().map(|id| delete.execute([id])).sum()
            }
        }
    }

    /// How many jobs have not ended.
    pub(super) fn open_jobs(&self) -> rusqlite::Result<u64> {
        let count =
            self.connection.query_row("SELECT count(*) FROM jobs WHERE state < 2", [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs)
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
