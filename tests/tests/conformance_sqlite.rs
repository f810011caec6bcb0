//! The SQLite store keeps the promises of a store, and its tables agree with one another after each of them.

use std::sync::Arc;

use jobwork::store::sqlite::Sqlite;
use jobwork_tests::{Sound, Tables, Unsound};
use rusqlite::Connection;
use tempfile::TempDir;

jobwork::store_conformance!(sqlite, async {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path().join("jobs.db")).await.unwrap();
    (Arc::new(store), Sound(Directory(directory)))
});

/// What no row may be, each with a query that finds such rows.
const UNSOUND: [Unsound; 12] = [
    (
        "a job whose row says that it is ready and that is not in the line nor runs, or does both",
        "SELECT seq FROM jobwork_jobs j WHERE state = 1
         AND (SELECT count(*) FROM jobwork_ready r WHERE r.seq = j.seq)
           + (SELECT count(*) FROM jobwork_running r WHERE r.seq = j.seq) <> 1",
    ),
    (
        "a place in the line that is not that of a ready job",
        "SELECT seq FROM jobwork_ready EXCEPT SELECT seq FROM jobwork_ready r JOIN jobwork_jobs j USING (seq)
         WHERE j.state = 1 AND (j.queue, j.priority, j.run_at, j.name, j.version) = (r.queue, r.priority, r.run_at, r.name, r.version)
         AND r.expires_at IS (SELECT expires_at FROM jobwork_details WHERE job = seq)",
    ),
    (
        "a held job without a place behind a gate, or with another's",
        "SELECT seq FROM jobwork_jobs WHERE state = -1 EXCEPT SELECT seq FROM jobwork_held h JOIN jobwork_jobs j ON j.seq = h.job
         WHERE h.let_out = 0 AND (j.queue, j.priority, j.run_at, j.name, j.version) = (h.queue, h.priority, h.run_at, h.name, h.version)",
    ),
    (
        "a place behind a gate of a job that is not held, nor a candidate",
        "SELECT job FROM jobwork_held EXCEPT SELECT seq FROM jobwork_held h JOIN jobwork_jobs j ON j.seq = h.job
         WHERE iif(h.let_out, j.seq IN (SELECT seq FROM jobwork_ready), j.state = -1)",
    ),
    (
        "a job that ended, and is not among those that did, or says it otherwise",
        "SELECT seq, state, name, finished_at FROM jobwork_jobs WHERE state > 3
         EXCEPT SELECT job, state, name, finished_at FROM jobwork_ended",
    ),
    (
        "a job that is among those that ended and has not",
        "SELECT job, state FROM jobwork_ended EXCEPT SELECT seq, state FROM jobwork_jobs",
    ),
    (
        "details of no job, or of one that does not say that it has any",
        "SELECT job FROM jobwork_details EXCEPT SELECT seq FROM jobwork_jobs WHERE flags & 1024",
    ),
    (
        "a job that may expire and has started or ended, or the other way round",
        "SELECT job FROM jobwork_details d JOIN jobwork_seen s ON s.seq = d.job
         WHERE d.may_expire <> (d.expires_at IS NOT NULL AND s.seen < 2)",
    ),
    (
        "a job that is in the order of a key and not open, or the other way round",
        "SELECT job FROM jobwork_details d JOIN jobwork_jobs j ON j.seq = d.job
         WHERE d.ordered IS NOT NULL AND (d.in_line IS NULL) <> (j.state > 2)",
    ),
    (
        "a job that is kept until some time and has not ended, or has and says itself how long it is kept",
        "SELECT job FROM jobwork_details d JOIN jobwork_jobs j ON j.seq = d.job
         WHERE (d.kept_until IS NOT NULL) <> (d.retain IS NOT NULL AND j.state > 2)",
    ),
    (
        "a claim that counts its running jobs wrong",
        "SELECT id FROM jobwork_claims c WHERE running <> (SELECT count(*) FROM jobwork_running r WHERE r.claim = c.id)",
    ),
    (
        "a wrong number of completed jobs",
        "SELECT completed FROM jobwork_totals WHERE completed <> (SELECT count(*) FROM jobwork_jobs WHERE state = 3)",
    ),
];

/// The directory of a store.
struct Directory(TempDir);

impl Directory {
    fn open(&self) -> Connection {
        Connection::open(self.0.path().join("jobs.db")).unwrap()
    }
}

impl Tables for Directory {
    const UNSOUND: &[Unsound] = &UNSOUND;

    fn count(&self, queries: &[&str]) -> Vec<i64> {
        let file = self.open();
        let count =
            |rows: &&str| file.query_row(&format!("SELECT count(*) FROM ({rows})"), [], |row| row.get(0)).unwrap();
        queries.iter().map(count).collect()
    }
}

#[tokio::test]
async fn what_is_not_sound_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let _store = Sqlite::open(directory.path().join("jobs.db")).await.unwrap();
    let sound = Sound(Directory(directory));
    sound.check();
    let file = sound.0.open();
    let job = "INSERT INTO jobwork_jobs (state, name, queue, priority, run_at, created_at, retries, args)
        VALUES (1, 'job', 'default', 0, 0, 0, 0, '{}')";
    file.execute(job, []).unwrap();
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sound.check()));
    let found = checked.unwrap_err();
    assert!(found.downcast_ref::<String>().is_some_and(|found| found.contains("not in the line")), "{found:?}");
    file.execute("DELETE FROM jobwork_jobs", []).unwrap();
}
