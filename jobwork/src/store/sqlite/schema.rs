//! The tables, and how older ones become them.
//!
//! The version is kept in a table of our own and not in `user_version`: the file may be the application's too.

use rusqlite::{Connection, OptionalExtension};

use super::busy;

/// One step a version; a step that was released is never changed.
const MIGRATIONS: &[&str] = &[VERSION_1];

// A job's row holds what every job has, and is in no index that its state moves it through: it is written when the job is dispatched
// and when it ends. What somebody looks for has a line or a place of its own: ready jobs, held ones, ended ones; what few
// jobs have stands in `jobwork_details`. States are numbers, see `rows::state`; no row says that it runs, the claims do.
// `attempt` counts those that are over, and `claim` is the last one that is: a job runs while a later one names it.
// No number of a job or a claim is given twice: the row of totals has the last ones. SQLite's own way of seeing to that writes one more
// page with each commit.
// `cancel` is 1 while somebody wants a running job to be cancelled, and 2 once that job has ended.
//
// The signs before columns in the view keep SQLite from making an index of all jobs, where it can go along the runs.
const VERSION_1: &str = "
CREATE TABLE jobwork_jobs (
    seq INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    flags INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    claim INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL,
    rescues INTEGER NOT NULL DEFAULT 0,
    cancel INTEGER NOT NULL DEFAULT 0,
    waits INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    finished_at INTEGER,
    args TEXT NOT NULL,
    output TEXT,
    reason TEXT
);
CREATE INDEX jobwork_waiting ON jobwork_jobs (queue) WHERE waits > 0;
CREATE INDEX jobwork_told ON jobwork_jobs (cancel) WHERE cancel = 1;
CREATE TABLE jobwork_details (
    job INTEGER PRIMARY KEY,
    tags TEXT,
    chain INTEGER,
    position INTEGER,
    on_error TEXT,
    cause INTEGER,
    expires_at INTEGER,
    may_expire INTEGER NOT NULL DEFAULT 0,
    retry_until INTEGER,
    retain INTEGER,
    kept_until INTEGER,
    batch INTEGER,
    standing INTEGER,
    ordered TEXT,
    in_line INTEGER,
    limits TEXT,
    unique_key TEXT,
    unique_states INTEGER,
    unique_until INTEGER,
    has_key INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobwork_chain ON jobwork_details (chain, position) WHERE chain IS NOT NULL;
CREATE INDEX jobwork_expiring ON jobwork_details (expires_at) WHERE may_expire = 1;
CREATE INDEX jobwork_retained ON jobwork_details (kept_until) WHERE kept_until IS NOT NULL;
CREATE INDEX jobwork_batch ON jobwork_details (batch) WHERE batch IS NOT NULL;
CREATE INDEX jobwork_ordered ON jobwork_details (ordered, in_line, job) WHERE in_line IS NOT NULL;
CREATE UNIQUE INDEX jobwork_unique ON jobwork_details (unique_key) WHERE has_key = 1;
CREATE TABLE jobwork_ready (
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (queue, priority DESC, run_at, seq)
) WITHOUT ROWID;
CREATE TABLE jobwork_held (
    job INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    queue TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    let_out INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL
);
CREATE INDEX jobwork_held_behind ON jobwork_held (key, queue, name, version, let_out, priority DESC, run_at, job);
CREATE TABLE jobwork_ended (
    state INTEGER NOT NULL,
    name TEXT NOT NULL,
    finished_at INTEGER NOT NULL,
    job INTEGER NOT NULL,
    retained INTEGER NOT NULL,
    PRIMARY KEY (state, name, finished_at, job)
) WITHOUT ROWID;
CREATE TABLE jobwork_claims (
    id INTEGER PRIMARY KEY,
    worker INTEGER NOT NULL,
    at INTEGER NOT NULL,
    running INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    runs TEXT NOT NULL
);
CREATE TABLE jobwork_finished_in (claim INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (claim, job)) WITHOUT ROWID;
CREATE VIEW jobwork_running AS
    SELECT j.seq, j.created_at, j.queue, j.attempt + 1 AS attempt, j.run_at, j.rescues, j.cancel, j.flags,
        c.id AS claim, c.worker, c.at AS started_at
    FROM jobwork_claims c CROSS JOIN json_each(iif(json_valid(c.runs), c.runs, '[]')) r
    CROSS JOIN jobwork_jobs j ON j.seq BETWEEN iif(r.type = 'array', r.value ->> 0, NULL)
        AND iif(r.type = 'array', r.value ->> 1, NULL) AND +j.claim < c.id AND +j.state = 1;
CREATE VIEW jobwork_seen AS SELECT j.*, iif(j.state = 1 AND NOT EXISTS (
        SELECT 1 FROM jobwork_ready r
        WHERE r.queue = j.queue AND r.priority = j.priority AND r.run_at = j.run_at AND r.seq = j.seq
    ), 2, j.state) AS seen
    FROM jobwork_jobs j;
CREATE TABLE jobwork_totals (
    completed INTEGER NOT NULL,
    last_deleted INTEGER NOT NULL,
    last_claim INTEGER NOT NULL
);
INSERT INTO jobwork_totals VALUES (0, 0, 0);
CREATE TABLE jobwork_links (
    parent INTEGER NOT NULL,
    child INTEGER NOT NULL,
    place INTEGER NOT NULL,
    slot TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (parent, child, place)
) WITHOUT ROWID;
CREATE INDEX jobwork_links_child ON jobwork_links (child);
CREATE TABLE jobwork_batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    parent INTEGER,
    standing INTEGER NOT NULL DEFAULT 0,
    on_complete INTEGER,
    on_success INTEGER,
    on_death INTEGER,
    kept INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    ran INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    completed_at INTEGER,
    succeeded_at INTEGER,
    died_at INTEGER,
    finished_at INTEGER
);
CREATE INDEX jobwork_batches_parent ON jobwork_batches (parent) WHERE parent IS NOT NULL;
CREATE TABLE jobwork_attempts (
    entry INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    failure TEXT
);
CREATE INDEX jobwork_attempts_job ON jobwork_attempts (job);
CREATE TABLE jobwork_schedules (
    name TEXT PRIMARY KEY,
    schedule TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE jobwork_slots (
    key TEXT NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (key, job)
) WITHOUT ROWID;
CREATE INDEX jobwork_slots_job ON jobwork_slots (job);
CREATE TABLE jobwork_buckets (
    key TEXT PRIMARY KEY,
    full_at INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobwork_buckets_full ON jobwork_buckets (full_at);
CREATE TABLE jobwork_gates (
    key TEXT NOT NULL,
    queue TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    wake_at INTEGER,
    look_at INTEGER,
    PRIMARY KEY (key, queue, name, version)
) WITHOUT ROWID;
CREATE INDEX jobwork_gates_due ON jobwork_gates (queue, name, version, wake_at, look_at) WHERE wake_at IS NOT NULL;
CREATE TABLE jobwork_pauses (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    until INTEGER,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE jobwork_queue_limits (
    queue TEXT PRIMARY KEY,
    rule TEXT,
    at_start TEXT
) WITHOUT ROWID;
CREATE TABLE jobwork_notes (
    job INTEGER PRIMARY KEY,
    fraction REAL,
    message TEXT,
    at INTEGER,
    checkpoint TEXT
);
CREATE TABLE jobwork_logs (
    entry INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX jobwork_logs_job ON jobwork_logs (job);
CREATE TABLE jobwork_workers (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    info TEXT NOT NULL,
    state TEXT NOT NULL,
    running INTEGER NOT NULL,
    last_beat INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    command TEXT
);
";

/// What is in the way of using the tables.
#[derive(Debug)]
pub(super) enum Unusable {
    /// A newer jobwork made them.
    Newer {
        /// Their version.
        found: usize,
        /// The newest version that this build knows.
        known: usize,
    },
    /// The file can't be read or written.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

/// Brings the tables to the newest version. Any number of processes may do so at once.
pub(super) fn migrate(connection: &Connection) -> Result<(), Unusable> {
    // Looking first, so that opening a store whose tables are there waits for no writer.
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    busy::patiently(|| connection.execute_batch("BEGIN IMMEDIATE"))?;
    let migrated = apply(connection);
    connection.execute_batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}

fn apply(connection: &Connection) -> Result<(), Unusable> {
    let from = version(connection)?;
    if from == 0 {
        connection.execute_batch(
            "CREATE TABLE jobwork_schema (version INTEGER NOT NULL); INSERT INTO jobwork_schema VALUES (0)",
        )?;
    }
    for step in &MIGRATIONS[from..] {
        connection.execute_batch(step)?;
    }
    connection.execute("UPDATE jobwork_schema SET version = ?1", [MIGRATIONS.len() as i64])?;
    Ok(())
}

/// The version of the tables in the file; 0 where there are none.
fn version(connection: &Connection) -> Result<usize, Unusable> {
    let found = busy::patiently(|| {
        let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'jobwork_schema'";
        match connection.query_row(table, [], |_| Ok(())).optional()? {
            Some(()) => connection.query_row("SELECT version FROM jobwork_schema", [], |row| row.get::<_, i64>(0)),
            None => Ok(0),
        }
    })?;
    let (found, known) = (usize::try_from(found).unwrap_or(usize::MAX), MIGRATIONS.len());
    if found > known { Err(Unusable::Newer { found, known }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_made_once_and_beside_those_of_the_application() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE users (id INTEGER); PRAGMA user_version = 42").unwrap();
        migrate(&file).unwrap();
        migrate(&file).unwrap();
        assert_eq!(version(&file).unwrap(), MIGRATIONS.len());
        assert_eq!(file.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), 42);
    }

    #[test]
    fn tables_of_a_newer_version_are_left_alone() {
        let file = Connection::open_in_memory().unwrap();
        migrate(&file).unwrap();
        file.execute("UPDATE jobwork_schema SET version = 99", []).unwrap();
        let refused = migrate(&file).unwrap_err();
        assert!(matches!(refused, Unusable::Newer { found: 99, known } if known == MIGRATIONS.len()), "{refused:?}");
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE jobwork_links (other TEXT)").unwrap();
        assert!(matches!(migrate(&file), Err(Unusable::Failed(_))));
        assert_eq!(version(&file).unwrap(), 0);
    }
}
