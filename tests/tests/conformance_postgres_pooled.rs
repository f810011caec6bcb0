//! The Postgres store keeps the promises of a store behind a pooler that gives each transaction another session.

use std::sync::Arc;

use jobwork::store::postgres::Postgres;
use jobwork_tests::postgres::{fresh_schema, pgbouncer};

jobwork::store_conformance!(postgres_pooled, async {
    let schema = fresh_schema().await;
    let pooler = pgbouncer::start(&schema.url).await;
    let store = Postgres::open(&format!("{}&pooler=transaction", pooler.url)).await.unwrap();
    (Arc::new(store), (pooler, schema))
});
