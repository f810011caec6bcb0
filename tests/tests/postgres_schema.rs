//! The schema of a Postgres store: who may make it, who may use it, and what is beside it.

use std::sync::Arc;

use jiff::Timestamp;
use jobwork::store::postgres::Postgres;
use jobwork::store::{Push, Rescue, Store, Upkeep};
use jobwork::{App, Error, JobError, JobState, Jobs, NewJob, job};
use jobwork_tests::postgres::{Private, connect, fresh_database, fresh_schema};

#[job]
async fn greet(name: String) -> Result<String, JobError> {
    Ok(format!("hello {name}"))
}

/// The URL with another user.
fn of_user(url: &str, user: &str) -> String {
    format!("postgres://{user}:secret@{}", url.split_once('@').unwrap().1)
}

/// Dispatches and performs a job.
async fn use_it(url: &str) {
    let jobs = Jobs::new(Arc::new(Postgres::open(url).await.unwrap()));
    let job = Greet::dispatch("ann").on(&jobs).await.unwrap();
    App::new().jobs(jobs).run_until_empty().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), "hello ann");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_can_make_the_schema_at_once() {
    let schema = fresh_schema().await;
    let opening = (0..16).map(|_| {
        let url = schema.url.clone();
        tokio::spawn(async move { Postgres::open(&url).await.map(drop) })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    let made: i64 = connect(&schema.url).await.query_one("SELECT count(*) FROM migrations", &[]).await.unwrap().get(0);
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_needs_few_rights_to_make_the_schema_and_fewer_to_use_it() {
    let server = Private::start().await;
    let root = connect(server.url()).await;
    root.batch_execute(
        "CREATE ROLE maker LOGIN PASSWORD 'secret'; CREATE ROLE worker LOGIN PASSWORD 'secret'; REVOKE ALL ON SCHEMA public FROM PUBLIC",
    )
    .await
    .unwrap();
    let (maker, worker) = (of_user(server.url(), "maker"), of_user(server.url(), "worker"));
    let error = Postgres::open(&maker).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }) && error.to_string().contains("permission denied"), "{error}");
    root.batch_execute("GRANT CREATE ON DATABASE postgres TO maker").await.unwrap();
    use_it(&maker).await;
    let error = Postgres::open(&worker).await.unwrap_err().to_string();
    assert!(error.contains("permission denied"), "{error}");
    root.batch_execute(
        "GRANT USAGE ON SCHEMA jobwork TO worker; GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobwork TO worker;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobwork TO worker",
    )
    .await
    .unwrap();
    use_it(&worker).await;
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_refused() {
    let schema = fresh_schema().await;
    Postgres::open(&schema.url).await.unwrap();
    connect(&schema.url).await.execute("INSERT INTO migrations VALUES (99)", &[]).await.unwrap();
    let error = Postgres::open(&schema.url).await.unwrap_err().to_string();
    assert!(error.contains("version 99") && error.contains("use a newer one"), "{error}");
}

#[tokio::test]
async fn two_applications_in_one_database_see_nothing_of_each_other() {
    let database = fresh_database().await;
    let open = async |schema| Postgres::open(&format!("{}?schema={schema}", database.url)).await.unwrap();
    let (mail, shop) = (open("mail").await, open("my-Shop").await);
    let now = Timestamp::now();
    let ids = mail.push(Push::of(vec![NewJob::new("greet", r#"["ann"]"#)], now)).await.unwrap().ids();
    assert_eq!(shop.inspect().unwrap().get(&ids, now).await.unwrap(), [None]);
    let report = App::new().jobs(Jobs::new(Arc::new(shop.clone()))).run_until_empty().await.unwrap();
    assert_eq!(report.completed, 0);
    shop.rescue(Rescue { poison_after: 1, now: now + std::time::Duration::from_secs(3600) }).await.unwrap();
    let report = App::new().jobs(Jobs::new(Arc::new(mail.clone()))).run_until_empty().await.unwrap();
    assert_eq!(report.completed, 1);
    let state = mail.inspect().unwrap().get(&ids, now).await.unwrap()[0].as_ref().unwrap().state;
    assert_eq!((state, shop.inspect().unwrap().counts(now).await.unwrap().completed), (JobState::Completed, 0));
}
