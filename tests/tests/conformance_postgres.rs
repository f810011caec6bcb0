//! The Postgres store keeps the promises of a store, and its tables agree with one another after each of them.

use std::sync::Arc;

use jobwork::store::postgres::Postgres;
use jobwork_tests::postgres::fresh_schema;

jobwork::store_conformance!(postgres, async {
    let schema = fresh_schema().await;
    (Arc::new(Postgres::open(&schema.url).await.unwrap()), schema)
});
