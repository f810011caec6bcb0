//! What the calls of a worker read beside many jobs that are none of its own.

use jobwork::store::postgres::Postgres;
use jobwork_tests::postgres::{connect, fresh_schema};
use tokio_postgres::Client;

/// Jobs that are scheduled for later, in the worker's queue, for others.
const BESIDE: &str = "
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, state, name, queue, args)
    SELECT nextval('job_number'), 1, 2000000000000, 0, 25, 1, 0, 1, 'other', 'default', '{}' FROM generate_series(1, 5000);
    INSERT INTO ready (run_at, seq, version, priority, queue, name) SELECT run_at, seq, version, priority, queue, name FROM jobs;
    ANALYZE jobs; ANALYZE ready";

/// A worker's life, in which it finds nothing that is due.
const LIFE: [&str; 6] = [
    "SELECT beat('00000000-0000-0000-0000-000000000001', 'join', '{}', 'running', 0, 30000, 1000, false)",
    "SELECT claim('00000000-0000-0000-0000-000000000001', NULL, '{mine}', '{1}', 100, 1001, NULL, '{}', '{}', '', 1, '{}', '{}', '{}', '{}')",
    // Closely, since jobs age.
    "SELECT claim('00000000-0000-0000-0000-000000000001', NULL, '{mine}', '{1}', 100, 1001, 1000, '{}', '{}', '', 2, '{}', '{}', '{}', '{}')",
    "SELECT beat('00000000-0000-0000-0000-000000000001', 'beat', '{}', 'draining', 0, 30000, 1002, false)",
    "SELECT expire(1003, 100)",
    "SELECT beat('00000000-0000-0000-0000-000000000001', 'leave', '{}', 'draining', 0, 30000, 1004, false)",
];

/// How many rows of tables this session has read, and not yet told the statistics of.
async fn rows_read(client: &Client) -> i64 {
    let read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables
        WHERE schemaname = current_schema()";
    client.query_one(read, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_worker_does_not_walk_past_all_that_waits_for_others() {
    let schema = fresh_schema().await;
    Postgres::open(&schema.url).await.unwrap();
    let client = connect(&schema.url).await;
    client.batch_execute(BESIDE).await.unwrap();
    for call in LIFE {
        // Statistics are told between transactions.
        client.batch_execute("BEGIN").await.unwrap();
        let before = rows_read(&client).await;
        client.batch_execute(call).await.unwrap();
        let read = rows_read(&client).await - before;
        client.batch_execute("COMMIT").await.unwrap();
        assert!(read < 500, "expected to read a part of 5,000 jobs, read {read} rows in {call}");
    }
}
