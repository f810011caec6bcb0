//! The schema: its tables and functions, and how older ones become them.

use tokio_postgres::Client;

use super::failure::Failed;
use super::flag;
use crate::store::BYTES_AT_MOST;

/// One step a version, each some files in their order; a step that was released is never changed.
const MIGRATIONS: &[&[&str]] = &[&[
    include_str!("sql/allowed.sql"),
    include_str!("sql/tables.sql"),
    include_str!("sql/ids.sql"),
    include_str!("sql/claim.sql"),
    include_str!("sql/take.sql"),
    include_str!("sql/ready.sql"),
    include_str!("sql/finish.sql"),
    include_str!("sql/ended.sql"),
    include_str!("sql/waiters.sql"),
    include_str!("sql/unique.sql"),
    include_str!("sql/ordered.sql"),
    include_str!("sql/batches.sql"),
    include_str!("sql/limits.sql"),
    include_str!("sql/gates.sql"),
    include_str!("sql/closely.sql"),
    include_str!("sql/push.sql"),
    include_str!("sql/in_transaction.sql"),
    include_str!("sql/worker.sql"),
    include_str!("sql/by_hand.sql"),
    include_str!("sql/control.sql"),
    include_str!("sql/notes.sql"),
    include_str!("sql/prune.sql"),
    include_str!("sql/schedules.sql"),
    include_str!("sql/records.sql"),
]];

/// What functions that are called from outside run with: they find their tables and nobody else's, and go along indexes,
/// whatever the statistics of tables say that were empty a moment ago.
const ENTRY: &str = "@path@ SET enable_seqscan = off SET enable_bitmapscan = off \
    SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off \
    SET plan_cache_mode = force_generic_plan";

/// What functions run with that only look, and are called from views.
const PATH: &str = "SET search_path = @schema@, pg_temp";

/// A job with more bytes of arguments than this is large: a claim counts its bytes, one job after the other.
const LARGE: usize = 100_000;

/// Brings the schema to the newest version. Any number of processes may do so at once.
pub(super) async fn migrate(client: &mut Client, schema: &str) -> Result<(), Failed> {
    // Looking first, so that whoever uses the store needs no right to change its tables.
    if version(client, schema).await? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction
        .execute_typed(
            "SELECT pg_advisory_xact_lock(1785687651, hashtext($1))",
            &[(&schema, tokio_postgres::types::Type::TEXT)],
        )
        .await?;
    let from = version(transaction.client(), schema).await?;
    if from == 0 {
        transaction.batch_execute(&filled(FIRST, schema)).await?;
    }
    for (step, files) in MIGRATIONS.iter().enumerate().skip(from) {
        for file in *files {
            transaction.batch_execute(&filled(file, schema)).await?;
        }
        transaction.batch_execute(&filled(&format!("INSERT INTO migrations VALUES ({})", step + 1), schema)).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Made before the first step.
const FIRST: &str = "SET LOCAL client_min_messages = warning;
    CREATE SCHEMA IF NOT EXISTS @schema@;
    CREATE TABLE migrations (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";

/// The version of the schema; 0 where there is none.
async fn version(client: &Client, schema: &str) -> Result<usize, Failed> {
    let text = tokio_postgres::types::Type::TEXT;
    // Looked up in the tables of the catalog: what a session remembers of names may be older than the lock that it waited for.
    let table = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'migrations')";
    let there: bool = client.query_typed_one(table, &[(&schema, text)]).await?.get(0);
    if !there {
        return Ok(0);
    }
    let found = format!("SELECT coalesce(max(version), 0) FROM \"{schema}\".migrations");
    let found: i32 = client.query_typed_one(&found, &[]).await?.get(0);
    let (found, known) = (usize::try_from(found).unwrap_or(usize::MAX), MIGRATIONS.len());
    if found > known { Err(Failed::Newer { found, known }) } else { Ok(found) }
}

/// SQL that works in this schema.
fn filled(sql: &str, schema: &str) -> String {
    let sql = flag::numbered(sql)
        .replace("@large@", &LARGE.to_string())
        .replace("@bytes_at_most@", &BYTES_AT_MOST.to_string())
        .replace("@entry@", ENTRY)
        .replace("@path@", PATH)
        .replace("@schema@", &format!("\"{schema}\""));
    format!("SET LOCAL search_path = \"{schema}\", pg_temp; {sql}")
}

#[cfg(test)]
mod tests {
    use super::{MIGRATIONS, filled};

    fn files() -> impl Iterator<Item = &'static str> {
        MIGRATIONS.iter().flat_map(|files| files.iter().copied())
    }

    #[test]
    fn every_name_between_ats_is_filled_in() {
        let left = files().flat_map(|file| filled(file, "s").lines().map(str::to_owned).collect::<Vec<_>>());
        let left: Vec<String> = left.filter(|line| line.contains('@')).collect();
        assert!(left.iter().all(|line| line.contains("example.com")), "{left:?}");
    }

    #[test]
    fn flags_are_named_and_not_numbered() {
        let signs = ["flags & ", "flags & ~", "flags | ", "flags = ", "flags <> "];
        let is_number = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit() && first != '0');
        for line in files().flat_map(str::lines) {
            let numbered = signs.iter().any(|sign| line.split(sign).skip(1).any(is_number));
            assert!(!numbered, "expected the name of a flag, such as @limited@: {line}");
        }
    }
}
