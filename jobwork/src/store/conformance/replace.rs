#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use super::unique::{keyed, replacing, unique};
use crate::clock::after;
use crate::job::JobState::{Ready, Scheduled, Waiting};
use crate::job::{NewJob, Unique, UniqueStates};
use crate::store::{Pushed, Store};

pub async fn a_debounced_job_takes_the_last_arguments_and_time(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let new = |case: &Case, args: &str| NewJob {
        args: args.to_owned(),
        run_at: Some(after(case.now, 10 * SECOND)),
        ..unique(Unique::debounce("k").at_most(25 * SECOND))
    };
    let first = case.push_one(new(&case, "[0]")).await;
    let created_at = case.now;
    for (args, due) in [("[1]", 15), ("[2]", 20), ("[3]", 25), ("[4]", 25)] {
        case.pass(5 * SECOND);
        assert_eq!(case.offer(new(&case, args)).await, Pushed::Existing(first));
        let record = case.record(first).await;
        assert_eq!((record.args.as_str(), record.run_at), (args, after(created_at, due * SECOND)));
        assert_eq!(record.state, Scheduled);
    }
    case.pass(5 * SECOND);
    case.start(first, worker).await;
    assert!(case.offer(new(&case, "[5]")).await.is_new(), "it has started");
}

pub async fn a_conflict_replaces_what_it_names_and_nothing_else(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let due = Some(case.in_an_hour());
    for (args, schedule) in [(true, false), (false, true), (true, true), (false, false)] {
        let first = case.push_one(keyed("k")).await;
        let before = case.record(first).await;
        let second = NewJob {
            args: "[1]".to_owned(),
            version: 3,
            run_at: due,
            expires_at: due,
            retry_until: due,
            priority: 9,
            ..unique(replacing(args, schedule, None))
        };
        assert_eq!(case.offer(second).await, Pushed::Existing(first));
        let mut expected = before.clone();
        if args {
            (expected.args, expected.version) = ("[1]".to_owned(), 3);
        }
        if schedule {
            (expected.run_at, expected.state) = (case.in_an_hour(), Scheduled);
            (expected.expires_at, expected.retry_until) = (due, due);
        }
        assert_eq!(case.record(first).await, expected);
        case.delete(first).await;
    }
}

pub async fn a_schedule_that_is_replaced_by_none_is_at_once(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let first = case.push_one(NewJob { run_at: Some(case.in_an_hour()), ..keyed("k") }).await;
    case.pass(SECOND);
    case.offer(unique(replacing(false, true, None))).await;
    let record = case.record(first).await;
    assert_eq!((record.state, record.run_at), (Ready, case.now));
    case.start(first, case.join().await).await;
}

pub async fn a_job_that_waits_for_its_next_attempt_is_replaced(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    let lease = case.start(first, case.join().await).await;
    case.settle(lease, failed(case.in_an_hour())).await;
    case.offer(NewJob { args: "[1]".to_owned(), ..unique(replacing(true, true, None)) }).await;
    let record = case.record(first).await;
    assert_eq!((record.args.as_str(), record.state, record.attempt), ("[1]", Ready, 1));
}

pub async fn a_job_that_runs_or_has_ended_is_not_replaced(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(unique(Unique::new("k").states(UniqueStates::ALWAYS))).await;
    let lease = case.start(first, case.join().await).await;
    let second = NewJob { args: "[1]".to_owned(), ..unique(replacing(true, true, None)) };
    let running = case.record(first).await;
    assert_eq!(case.offer(second.clone()).await, Pushed::Existing(first));
    assert_eq!(case.record(first).await, running);
    case.settle(lease, completed("1")).await;
    let ended = case.record(first).await;
    assert_eq!(case.offer(second).await, Pushed::Existing(first));
    assert_eq!(case.record(first).await, ended);
}

pub async fn a_job_of_another_name_is_not_replaced(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    let before = case.record(first).await;
    let other = NewJob { name: "second".into(), args: "[1]".to_owned(), ..unique(replacing(true, true, None)) };
    assert_eq!(case.offer(other).await, Pushed::Existing(first));
    assert_eq!(case.record(first).await, before);
}

pub async fn a_waiting_job_is_replaced_and_still_waits(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(vec![job(), NewJob { waits: after_job(0).waits, ..keyed("k") }]).await;
    let second = NewJob { args: r#"{"n":1}"#.to_owned(), ..unique(replacing(true, true, None)) };
    case.offer(second).await;
    assert_eq!(case.states(&ids).await, [Ready, Waiting]);
    case.settle(case.start(ids[0], worker).await, completed("7")).await;
    let args: serde_json::Value = serde_json::from_str(&case.claim_one(worker).await.args).unwrap();
    assert_eq!(args, serde_json::json!({ "n": 1, "input": 7 }));
}
