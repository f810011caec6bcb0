//! The tables, and every statement on them.

use anyhow::Result;
use tokio_postgres::{Client, Statement};

/// As wide as a job's row must be at least, with the key and the one index that claims need; and for batches that move.
pub(super) const SCHEMA: &str = "
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    queue text NOT NULL,
    args bytea NOT NULL,
    priority smallint NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT now(),
    state smallint NOT NULL DEFAULT 0,
    attempt int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 25,
    lease_until timestamptz,
    worker bigint,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz
);
CREATE INDEX ready ON jobs (queue, priority, id) WHERE state = 0;
CREATE TABLE leases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker bigint,
    lease_until timestamptz,
    ids bigint[],
    kinds text[],
    args bytea[],
    attempts int[]
);
";

pub(super) const INSERT: &str = "INSERT INTO jobs (kind, queue, args) VALUES ('SendEmail', 'default', $1)";

pub(super) const INSERT_MANY: &str = "INSERT INTO jobs (kind, queue, args)
    SELECT 'SendEmail', 'default', args FROM unnest($1::bytea[]) AS given (args)";

/// Stores a job, and tells those who listen.
pub(super) const INSERT_AND_TELL: &str = "WITH stored AS (
        INSERT INTO jobs (kind, queue, args) VALUES ('SendEmail', 'default', $1)
    ) SELECT pg_notify('ready', '')";

const READY: &str = "SELECT id FROM jobs WHERE state = 0 AND queue = 'default' AND run_at <= now()
    ORDER BY priority, id LIMIT $1 FOR UPDATE SKIP LOCKED";

const CLAIM: &str = "UPDATE jobs
    SET state = 1, attempt = attempt + 1, lease_until = now() + interval '30 s', worker = 1
    FROM ready WHERE jobs.id = ready.id RETURNING jobs.id, jobs.args";

/// The end of a lease, and of the jobs in it.
pub(super) const END_LEASE: &str = "DELETE FROM leases WHERE id = $1";

/// How many jobs have not ended.
pub(super) const OPEN: &str = "SELECT (SELECT count(*) FROM jobs WHERE state < 2) + (SELECT count(*) FROM leases)";

/// Takes as many jobs that are ready, the oldest first.
pub(super) async fn claim(client: &Client) -> Result<Statement> {
    Ok(client.prepare(&format!("WITH ready AS ({READY}) {CLAIM}")).await?)
}

/// Ends jobs.
pub(super) async fn end(client: &Client, kept: bool) -> Result<Statement> {
    Ok(client.prepare(&ended(kept, "$1")).await?)
}

/// Takes as many jobs, and ends others in the same statement.
pub(super) async fn claim_and_end(client: &Client, kept: bool) -> Result<Statement> {
    let ended = ended(kept, "$2");
    Ok(client.prepare(&format!("WITH ended AS ({ended}), ready AS ({READY}) {CLAIM}")).await?)
}

/// Takes as many jobs out of the table, and puts them into one lease.
pub(super) async fn lease(client: &Client) -> Result<Statement> {
    let lease = format!(
        "WITH taken AS (DELETE FROM jobs WHERE id IN ({READY}) RETURNING id, kind, args, attempt)
        INSERT INTO leases (worker, lease_until, ids, kinds, args, attempts)
        SELECT 1, now() + interval '30 s', array_agg(id), array_agg(kind), array_agg(args), array_agg(attempt)
        FROM taken HAVING count(*) > 0
        RETURNING id, ids, args"
    );
    Ok(client.prepare(&lease).await?)
}

fn ended(kept: bool, ids: &str) -> String {
    let change = if kept { "UPDATE jobs SET state = 2, done_at = now()" } else { "DELETE FROM jobs" };
    format!("{change} WHERE id = ANY ({ids}::bigint[])")
}
