//! Whatever can be dispatched can be in a transaction, and goes by the same rules there.

use std::time::Duration;

use jobwork::{Batch, Error, JobState, Jobs, NewJob, OnConflict, Unique, chain};
use jobwork_tests::postgres::connect;

use super::jobs::{Echo, Exclaim};
use super::scene::{Scene, result};

#[tokio::test]
async fn many_jobs_a_chain_and_a_batch_are_stored_with_the_commit() {
    let scene = Scene::new().await;
    let mut client = connect(&scene.schema.url).await;
    let transaction = client.transaction().await.unwrap();
    let many = Echo::dispatch_many(["a", "b"].map(Echo::new)).on(&scene.jobs).dispatch_in(&transaction).await.unwrap();
    let chain = chain![Echo, Exclaim].dispatch("x").on(&scene.jobs).dispatch_in(&transaction).await.unwrap();
    let batch = Batch::new("two").add(Echo::dispatch("c")).add(Echo::dispatch("d")).on(&scene.jobs).dispatch();
    let batch = batch.dispatch_in(&transaction).await.unwrap();
    let added = batch.add_in(Echo::dispatch("e"), &transaction).await.unwrap();
    assert_eq!(scene.jobs.list(&Default::default()).await.unwrap(), []);
    transaction.commit().await.unwrap();
    let _worker = scene.worker().await;
    assert_eq!((result(&many[0]).await, result(&many[1]).await), ("a".to_owned(), "b".to_owned()));
    assert_eq!(chain.wait().await.unwrap(), "x!");
    assert_eq!(batch.wait().await.unwrap().completed, 3);
    assert!(scene.exists(added[0]).await);
}

#[tokio::test]
async fn options_hooks_and_keys_are_those_of_any_dispatch() {
    let scene = Scene::new().await;
    let jobs = scene.jobs.clone().on_dispatch(|job: &mut NewJob| {
        job.tags.push("seen".to_owned());
        if job.args.contains("bad") { Err("it is bad") } else { Ok(()) }
    });
    let mut client = connect(&scene.schema.url).await;
    let transaction = client.transaction().await.unwrap();
    let first =
        Echo::dispatch("\u{fdd0}\0 zero").unique(Unique::new("key")).queue("mail").delay(Duration::from_secs(60));
    let first = first.on(&jobs).dispatch_in(&transaction).await.unwrap();
    let second = Echo::dispatch("again").unique(Unique::new("key")).on(&jobs).dispatch_in(&transaction).await.unwrap();
    assert_eq!((first.is_new(), second.is_new(), second.id()), (true, false, first.id()));
    let refused = Echo::dispatch("bad").on(&jobs).dispatch_in(&transaction).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    transaction.commit().await.unwrap();
    let stored = first.record().await.unwrap();
    assert_eq!(
        (stored.queue.as_str(), stored.state, stored.tags),
        ("mail", JobState::Scheduled, vec!["seen".to_owned()])
    );
    assert_eq!(stored.args, serde_json::json!({ "text": "\u{fdd0}\0 zero" }).to_string());
}

#[tokio::test]
async fn a_refusal_lets_the_transaction_go_on() {
    let scene = Scene::new().await;
    let mut client = connect(&scene.schema.url).await;
    let transaction = client.transaction().await.unwrap();
    let fails = || Echo::dispatch("one").unique(Unique::new("key").on_conflict(OnConflict::Error)).on(&scene.jobs);
    let first = fails().dispatch_in(&transaction).await.unwrap();
    let refused = fails().dispatch_in(&transaction).await.unwrap_err();
    assert!(matches!(refused, Error::Duplicate { existing: Some(id), .. } if id == first.id()), "{refused}");
    transaction.execute(&scene.effect(), &[]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((scene.count().await, scene.exists(first.id()).await), (1, true));
}

#[tokio::test]
async fn a_store_of_another_kind_is_refused_and_named() {
    let scene = Scene::new().await;
    let mut client = connect(&scene.schema.url).await;
    let transaction = client.transaction().await.unwrap();
    let memory = Jobs::connect("memory:").await.unwrap();
    let refused = Echo::dispatch("lost").on(&memory).dispatch_in(&transaction).await.unwrap_err();
    assert_eq!(refused.to_string(), "the memory store can't take part in a transaction of a Postgres");
}

#[tokio::test]
async fn a_database_without_the_store_says_so() {
    let scene = Scene::new().await;
    let mut client = connect(&scene.schema.url).await;
    client.batch_execute(&format!("DROP SCHEMA {} CASCADE", scene.schema.name)).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let refused = Echo::dispatch("lost").on(&scene.jobs).dispatch_in(&transaction).await.unwrap_err();
    let expected = format!("schema \"{}\" does not exist", scene.schema.name);
    assert!(refused.to_string().contains(&expected), "{refused}");
}
