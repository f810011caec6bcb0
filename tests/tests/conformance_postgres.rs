//! The Postgres store keeps the promises of a store, and its tables agree with one another after each of them.

use std::sync::Arc;

use jobwork::store::postgres::Postgres;
use jobwork_tests::Sound;
use jobwork_tests::postgres::{connect, fresh_schema};

jobwork::store_conformance!(postgres, async {
    let schema = fresh_schema().await;
    (Arc::new(Postgres::open(&schema.url).await.unwrap()), Sound(schema))
});

#[tokio::test]
async fn what_is_not_sound_is_found() {
    let schema = fresh_schema().await;
    let _store = Postgres::open(&schema.url).await.unwrap();
    let sound = Sound(schema);
    sound.check();
    let tables = connect(&sound.0.url).await;
    let job = "INSERT INTO jobs (seq, state, name, queue, priority, run_at, created_at, retries, args)
        VALUES (1, 1, 'job', 'default', 0, 0, 0, 0, '{}')";
    tables.batch_execute(job).await.unwrap();
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sound.check()));
    let found = checked.unwrap_err();
    assert!(found.downcast_ref::<String>().is_some_and(|found| found.contains("not in the line")), "{found:?}");
    tables.batch_execute("DELETE FROM jobs").await.unwrap();
}
