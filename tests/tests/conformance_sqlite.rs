//! The SQLite store keeps the promises of a store.

use std::sync::Arc;

use jobwork::store::sqlite::Sqlite;

jobwork::store_conformance!(sqlite, async {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path().join("jobs.db")).await.unwrap();
    (Arc::new(store), directory)
});
