//! What is said to a program that has named no client. A test of its own process, in which nobody makes one the default.

use diesel::{Connection, PgConnection};
use jobwork::prelude::*;
use jobwork_tests::postgres::fresh_database;

#[job]
async fn nobodys() {}

#[tokio::test]
async fn a_blocking_dispatch_without_a_client_says_what_is_missing() {
    let database = fresh_database().await;
    let mut connection = PgConnection::establish(&database.url).unwrap();
    let refused = Nobodys::dispatch().dispatch_in(&mut connection).unwrap_err();
    let expected = "there is no client to dispatch with: name one with `.on(&jobs)`, or make one the default with \
        `Jobs::make_default`";
    assert_eq!(refused.to_string(), expected);
}
