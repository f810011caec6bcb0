//! The Postgres servers that tests use.

use jobwork_tests::postgres::{self, Private, connect, fresh_database, fresh_schema, pgbouncer};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The one value that the query finds.
async fn count(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_fresh_database_is_empty_and_apart_from_others() {
    let (first, second) = (fresh_database().await, fresh_database().await);
    let (to_first, to_second) = (connect(&first.url).await, connect(&second.url).await);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    assert_eq!((count(&to_first, tables).await, count(&to_second, tables).await), (0, 0));
    to_first.batch_execute("CREATE TABLE notes (text text)").await.unwrap();
    assert_eq!((count(&to_first, tables).await, count(&to_second, tables).await), (1, 0));
}

#[tokio::test]
async fn a_fresh_database_goes_with_those_who_are_connected() {
    let database = fresh_database().await;
    let client = connect(&database.url).await;
    let like_it = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", database.name);
    assert_eq!(count(&client, &like_it).await, 1);
    drop(database);
    assert!(client.query("SELECT 1", &[]).await.is_err());
    assert_eq!(count(&connect(postgres::url().await).await, &like_it).await, 0);
}

#[tokio::test]
async fn a_fresh_schema_is_for_the_test_to_make_and_goes_with_it() {
    let (first, second) = (fresh_schema().await, fresh_schema().await);
    let (to_first, to_second) = (connect(&first.url).await, connect(&second.url).await);
    let like_it = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{}'", first.name);
    assert_eq!(count(&to_second, &like_it).await, 0);
    to_first.batch_execute(&format!("CREATE SCHEMA {}; CREATE TABLE notes (text text)", first.name)).await.unwrap();
    assert_eq!(count(&to_first, "SELECT count(*) FROM notes").await, 0);
    let error = to_second.query("SELECT * FROM notes", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNDEFINED_TABLE));
    drop(first);
    assert_eq!(count(&to_second, &like_it).await, 0);
}

#[tokio::test]
async fn a_private_server_survives_an_immediate_restart() {
    let server = Private::start_with(&["fsync=on"]).await;
    let client = connect(server.url()).await;
    let fsync: String = client.query_one("SHOW fsync", &[]).await.unwrap().get(0);
    assert_eq!(fsync, "on");
    client
        .batch_execute(
            "CREATE TABLE notes AS SELECT 'kept' AS text; CREATE UNLOGGED TABLE drafts AS SELECT 'lost' AS text",
        )
        .await
        .unwrap();
    server.restart_immediate().await;
    assert!(client.query("SELECT 1", &[]).await.is_err());
    let client = connect(server.url()).await;
    assert_eq!(count(&client, "SELECT count(*) FROM notes").await, 1);
    // A crash empties such tables, a clean stop does not.
    assert_eq!(count(&client, "SELECT count(*) FROM drafts").await, 0);
}

#[tokio::test]
async fn a_private_server_stops_and_starts_again() {
    let server = Private::start().await;
    let client = connect(server.url()).await;
    server.stop().await;
    let error = client.query("SELECT 1", &[]).await.unwrap_err();
    assert!(error.is_closed() || error.code() == Some(&SqlState::ADMIN_SHUTDOWN), "{error:?}");
    assert!(!answers(server.url()).await);
    server.start_again().await;
    assert_eq!(count(&connect(server.url()).await, "SELECT 1::bigint").await, 1);
}

#[tokio::test]
async fn a_private_server_ends_with_its_test() {
    let server = Private::start().await;
    let url = server.url().to_owned();
    assert!(answers(&url).await);
    drop(server);
    assert!(!answers(&url).await);
}

async fn answers(url: &str) -> bool {
    tokio_postgres::connect(url, tokio_postgres::NoTls).await.is_ok()
}

#[tokio::test]
async fn the_sessions_of_a_private_server_can_be_ended() {
    let server = Private::start().await;
    let clients = [connect(server.url()).await, connect(server.url()).await];
    assert_eq!(server.terminate_backends().await, clients.len());
    for client in clients {
        assert!(client.query("SELECT 1", &[]).await.is_err());
    }
}

#[tokio::test]
async fn pgbouncer_lends_one_session_to_two_clients() {
    let schema = fresh_schema().await;
    let pooler = pgbouncer::start(&schema.url).await;
    assert!(pooler.url.ends_with(&schema.name), "{}", pooler.url);
    let session = "SELECT pg_backend_pid()::bigint";
    let plain = pooler.url.split_once('?').unwrap().0;
    let (first, second) = (connect(plain).await, connect(plain).await);
    // Without a pooler, or in its session mode, each would have its own.
    assert_eq!(simple(&first, session).await, simple(&second, session).await);
}

/// The one value that the query finds, without a prepared statement: those belong to a session.
async fn simple(client: &Client, query: &str) -> Option<String> {
    let messages = client.simple_query(query).await.unwrap();
    messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}
