#!/usr/bin/env bash
# Shows that jobwork's SQLite store lives in one program with the SQLite of sqlx and of diesel.
#
# A program can link libsqlite3-sys once only, so cargo must find a rusqlite in our range that takes the same one.
# For each library this makes a throw-away crate that uses both, builds it, and runs it.
#
# usage: ci/compat.sh [sqlx-0.8|sqlx-0.9|diesel-2]...      all of them by default
set -euo pipefail

jobwork=$(cd "$(dirname "$0")/../jobwork" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/target}

dependency() {
    case $1 in
        sqlx-0.8) echo 'sqlx = { version = "0.8", default-features = false, features = ["runtime-tokio", "sqlite"] }' ;;
        sqlx-0.9) echo 'sqlx = { version = "0.9", default-features = false, features = ["runtime-tokio", "sqlite"] }' ;;
        diesel-2) echo 'diesel = { version = "2", features = ["sqlite"] }' ;;
        *) echo "unknown library $1, expected sqlx-0.8, sqlx-0.9 or diesel-2" >&2; return 1 ;;
    esac
}

manifest() {
    cat <<EOF
[package]
name = "compat-${1//./-}"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[dependencies]
jiff = { version = "0.2", default-features = false, features = ["std"] }
jobwork = { path = "$jobwork", default-features = false, features = ["sqlite"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
$(dependency "$1")
EOF
}

theirs() {
    case $1 in
        sqlx-*) cat <<'EOF'
async fn theirs(file: &str) -> i64 {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE answers (n INTEGER)").execute(&pool).await.unwrap();
    sqlx::query("INSERT INTO answers VALUES (42)").execute(&pool).await.unwrap();
    sqlx::query_scalar("SELECT n FROM answers").fetch_one(&pool).await.unwrap()
}
EOF
        ;;
        diesel-*) cat <<'EOF'
async fn theirs(file: &str) -> i64 {
    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    let mut connection = SqliteConnection::establish(file).unwrap();
    connection.batch_execute("CREATE TABLE answers (n INTEGER); INSERT INTO answers VALUES (42)").unwrap();
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT n FROM answers)"))
        .get_result(&mut connection)
        .unwrap()
}
EOF
        ;;
    esac
}

ours() {
    cat <<'EOF'
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{Beat, BeatKind, Claim, Store, WorkerInfo, WorkerState};
use jobwork::{JobId, NewJob, WorkerId};

async fn ours(file: &str) -> (JobId, JobId) {
    let (store, id, now) = (Sqlite::open(file).await.unwrap(), WorkerId::fresh(), Timestamp::now());
    let (host, queues) = ("here".to_owned(), Vec::new());
    let info = WorkerInfo { id, host, pid: std::process::id(), queues, concurrency: 1, started_at: now };
    let (worker, kind, state) = (Arc::new(info), BeatKind::Join, WorkerState::Running);
    store.beat(Beat { worker, kind, state, running: 0, lease: Duration::from_secs(30), now }).await.unwrap();
    let dispatched = store.push(vec![NewJob::new("job", "{}")], now).await.unwrap();
    let names = Arc::new(["job".to_owned()]);
    let batch = store.claim(Claim { worker: id, queues: None, names, limit: 1, now }).await.unwrap();
    (dispatched[0], batch.jobs[0].lease.job)
}

#[tokio::main]
async fn main() {
    let directory = std::env::args().nth(1).expect("the directory for the files");
    assert_eq!(theirs(&format!("{directory}/theirs.db")).await, 42);
    let (dispatched, claimed) = ours(&format!("{directory}/ours.db")).await;
    assert_eq!(dispatched, claimed);
}
EOF
}

check() {
    local crate=$work/$1
    mkdir -p "$crate/src" "$crate/files"
    manifest "$1" >"$crate/Cargo.toml"
    { ours; theirs "$1"; } >"$crate/src/main.rs"
    cargo run --quiet --manifest-path "$crate/Cargo.toml" -- "$crate/files"
    # The packages that were resolved together are the proof, so they are shown.
    grep -A1 -E '^name = "(rusqlite|libsqlite3-sys|sqlx-sqlite|diesel)"$' "$crate/Cargo.lock" |
        sed -n 's/^name = "\(.*\)"$/\1/p; s/^version = "\(.*\)"$/ \1/p' | paste -sd '' | sed "s/^/$1: /"
}

for library in "${@:-sqlx-0.8 sqlx-0.9 diesel-2}"; do
    for name in $library; do check "$name"; done
done
