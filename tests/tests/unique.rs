//! Unique jobs and jobs in an order, dispatched by a client and performed by a worker.

use std::time::Duration;

use jobwork::{
    App, Chain, Dispatch, Error, Flow, Handling, Job, JobContext, JobError, JobHandle, JobState, Jobs, NewJob,
    OnConflict, Perform, State, Unique, UniqueStates, job,
};
use jobwork_tests::{Bench, Events};
use serde::{Deserialize, Serialize};

const SECOND: Duration = Duration::from_secs(1);

#[job(retries = 1, backoff = "5s")]
async fn sync(user: u32, version: u32, events: State<Events>) -> Result<u32, JobError> {
    events.push(format!("synced {user} {version}"));
    if version == 13 { Err(JobError::new("unlucky")) } else { Ok(version) }
}

#[job]
async fn other(user: u32, events: State<Events>) {
    events.push(format!("ran {user}"));
}

/// A step that is unique by what it is given, and in an order whatever that is.
#[derive(Serialize, Deserialize)]
struct Keyed(u32);

impl Job for Keyed {
    type Output = u32;
    type Params = (u32,);
    const NAME: &'static str = "keyed";
    const FIELDS: &'static [&'static str] = &["0"];

    fn flow(&self) -> serde_json::Result<Flow> {
        Ok(Flow::default().unique(Unique::new(Flow::key(Self::NAME, &self.0)?)))
    }

    fn flow_unfilled() -> Result<Flow, &'static str> {
        Err("`unique` is by `0`, which the step before it gives")
    }
}

impl Perform for Keyed {
    fn handling() -> Handling {
        Handling::new()
    }

    async fn perform(self, _job: JobContext) -> Result<u32, JobError> {
        Ok(self.0)
    }
}

/// A step of an order that all of its kind share.
#[derive(Serialize, Deserialize)]
struct InOrder(u32);

impl Job for InOrder {
    type Output = u32;
    type Params = (u32,);
    const NAME: &'static str = "in_order";
    const FIELDS: &'static [&'static str] = &["0"];

    fn flow(&self) -> serde_json::Result<Flow> {
        Self::flow_unfilled().map_err(serde::ser::Error::custom)
    }

    fn flow_unfilled() -> Result<Flow, &'static str> {
        Ok(Flow::default().ordered("all"))
    }
}

async fn version_of(handle: &JobHandle<Sync>) -> String {
    handle.record().await.unwrap().args
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_that_finds_its_job_hands_back_its_handle() {
    let bench = Bench::new();
    let dispatch = |version| Sync::dispatch(7, version).unique_by(7).on(&bench.jobs);
    let first = dispatch(1).await.unwrap();
    let again = dispatch(2).await.unwrap();
    assert_eq!((first.id(), first.is_new(), again.is_new()), (again.id(), true, false));
    assert!(!again.clone().is_new() && first.clone().is_new());
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(again.wait().await.unwrap(), 1);
    assert!(dispatch(3).await.unwrap().is_new(), "the first has ended");
}

#[tokio::test(start_paused = true)]
async fn keys_of_different_jobs_are_different() {
    let bench = Bench::new();
    assert!(Sync::dispatch(7, 1).unique_by(7).on(&bench.jobs).await.unwrap().is_new());
    assert!(Other::dispatch(7).unique_by(7).on(&bench.jobs).await.unwrap().is_new());
    assert!(Sync::dispatch(8, 1).unique_by(8).on(&bench.jobs).await.unwrap().is_new());
    assert!(Sync::dispatch(9, 1).unique(Unique::new("shared")).on(&bench.jobs).await.unwrap().is_new());
    assert!(!Other::dispatch(9).unique(Unique::new("shared")).on(&bench.jobs).await.unwrap().is_new());
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_that_asked_for_an_error_gets_one_that_names_the_job() {
    let bench = Bench::new();
    let dispatch = || Sync::dispatch(7, 1).unique_by(7).on_conflict(OnConflict::Error).on(&bench.jobs);
    let first = dispatch().await.unwrap();
    let error = dispatch().await.unwrap_err();
    assert!(matches!(&error, Error::Duplicate { job, existing: Some(id) } if job == "sync" && *id == first.id()));
    let said = format!("job `sync` was not dispatched: job {} has the same unique key", first.id());
    assert_eq!(error.to_string(), said);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_no_json_is_an_error_of_the_dispatch() {
    let bench = Bench::new();
    let key = std::collections::HashMap::from([((1, 2), 3)]);
    let error = Sync::dispatch(7, 1).unique_by(key).on(&bench.jobs).await.unwrap_err();
    assert!(matches!(&error, Error::Json { job, .. } if job == "sync"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_debounced_job_runs_once_when_its_key_rests() {
    let bench = Bench::new();
    let dispatch = |version| Sync::dispatch(7, version).unique_by(7).debounce(10 * SECOND).on(&bench.jobs);
    let first = dispatch(1).await.unwrap();
    for version in 2..5 {
        tokio::time::advance(6 * SECOND).await;
        assert!(!dispatch(version).await.unwrap().is_new());
    }
    let left = first.record().await.unwrap().run_at.duration_since(bench.jobs.now());
    assert_eq!((left.as_secs(), first.status().await.unwrap()), (10, JobState::Scheduled));
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(first.wait().await.unwrap(), 4);
    worker.stop_and_wait().await;
    assert_eq!(bench.events.of(&["synced"]), ["synced 7 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_debounced_job_is_not_put_off_for_ever() {
    let bench = Bench::new();
    let dispatch = || Sync::dispatch(7, 1).unique_by(7).debounce_at_most(10 * SECOND, 15 * SECOND).on(&bench.jobs);
    let first = dispatch().await.unwrap();
    tokio::time::advance(9 * SECOND).await;
    dispatch().await.unwrap();
    let record = first.record().await.unwrap();
    assert_eq!(record.run_at.duration_since(record.created_at).as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_debounced_job_without_a_key_is_by_all_its_arguments() {
    let bench = Bench::new();
    let dispatch = |version| Sync::dispatch(7, version).debounce(SECOND).on(&bench.jobs);
    let (first, other, again) = (dispatch(1).await.unwrap(), dispatch(2).await.unwrap(), dispatch(1).await.unwrap());
    assert_ne!(first.id(), other.id());
    assert_eq!(first.id(), again.id());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_job_runs_once_a_window() {
    let bench = Bench::new();
    let dispatch = |version| Sync::dispatch(7, version).unique_by(7).throttle(60 * SECOND).on(&bench.jobs);
    let worker = bench.app().spawn().await.unwrap();
    let first = dispatch(1).await.unwrap();
    first.wait().await.unwrap();
    assert_eq!(dispatch(2).await.unwrap().id(), first.id());
    tokio::time::advance(60 * SECOND).await;
    let second = dispatch(3).await.unwrap();
    assert_eq!((second.is_new(), version_of(&second).await.contains("3")), (true, true));
    second.wait().await.unwrap();
    worker.stop_and_wait().await;
    assert_eq!(bench.events.of(&["synced"]), ["synced 7 1", "synced 7 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_its_retry_is_still_the_one_of_its_key() {
    let bench = Bench::new();
    let dispatch = |version| Sync::dispatch(7, version).unique_by(7).on(&bench.jobs);
    let first = dispatch(13).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(first.status().await.unwrap(), JobState::Scheduled);
    assert!(!dispatch(2).await.unwrap().is_new());
    let worker = bench.app().spawn().await.unwrap();
    first.wait().await.unwrap_err();
    worker.stop_and_wait().await;
    let second = dispatch(2).await.unwrap();
    assert!(second.is_new(), "a dead job has ended");
    assert!(!first.retry().await.unwrap(), "its key is another's");
}

#[tokio::test(start_paused = true)]
async fn the_jobs_own_flow_is_dispatched_and_may_be_overruled() {
    let bench = Bench::new();
    let dispatch = || Dispatch::new(Keyed(1));
    let first = dispatch().on(&bench.jobs).await.unwrap();
    assert_eq!(first.record().await.unwrap().unique_key.as_deref(), Some(r#"["keyed",1]"#));
    assert!(!dispatch().on(&bench.jobs).await.unwrap().is_new());
    assert!(dispatch().unique(Unique::new("mine")).on(&bench.jobs).await.unwrap().is_new());
    assert!(dispatch().on_conflict(OnConflict::Error).on(&bench.jobs).await.is_err());
    let many = jobwork::DispatchMany::new([2, 3, 2, 1].map(Keyed)).on(&bench.jobs).await.unwrap();
    assert_eq!(many.iter().map(JobHandle::is_new).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!((many[2].id(), many[3].id()), (many[0].id(), first.id()));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_lacks_what_its_key_is_made_of_is_refused_by_name() {
    let bench = Bench::new();
    let error = Chain::first_complete(Keyed(1)).then::<Keyed>().dispatch().on(&bench.jobs).await.unwrap_err();
    let said = "job `keyed` can't be dispatched as a step that takes an output: \
                `unique` is by `0`, which the step before it gives";
    assert_eq!(error.to_string(), said);
    assert!(bench.jobs.list(&Default::default()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_chain_share_what_their_jobs_share() {
    let bench = Bench::new();
    let chain = || Chain::first_complete(Keyed(1)).then::<InOrder>().dispatch().on(&bench.jobs);
    let first = chain().await.unwrap();
    let members = first.members().await.unwrap();
    let keys = members.iter().map(|member| (member.unique_key.as_deref(), member.ordered.as_deref()));
    assert_eq!(keys.collect::<Vec<_>>(), [(Some(r#"["keyed",1]"#), None), (None, Some("all"))]);
    let error = chain().await.unwrap_err();
    assert!(matches!(error, Error::Duplicate { existing: Some(id), .. } if id == first.id()));
}

fn step(user: u32) -> NewJob {
    let mut job = NewJob::new("other", format!(r#"{{"user":{user}}}"#));
    job.flow = Flow::default().ordered("k");
    job
}

#[tokio::test(start_paused = true)]
async fn jobs_of_an_order_run_one_after_the_other_on_many_slots() {
    let bench = Bench::new();
    bench.jobs.push((0..20).map(step).collect()).await.unwrap();
    let apps = || App::new().single_runtime(true).jobs(bench.jobs.clone()).state(bench.events.clone()).concurrency(8);
    let (one, two) = tokio::join!(apps().run_until_empty(), apps().run_until_empty());
    assert_eq!(one.unwrap().completed + two.unwrap().completed, 20);
    let expected: Vec<String> = (0..20).map(|user| format!("ran {user}")).collect();
    assert_eq!(bench.events.of(&["ran"]), expected);
}

#[tokio::test(start_paused = true)]
async fn a_failing_job_holds_its_order_until_it_is_dead() {
    let bench = Bench::new();
    let mut failing = NewJob::of::<Sync>(r#"{"user":1,"version":13}"#.to_owned());
    failing.flow = Flow::default().ordered("k");
    let ids = bench.jobs.push(vec![failing, step(2)]).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    JobHandle::<Other>::new(ids[1], bench.jobs.clone()).wait().await.unwrap();
    worker.stop_and_wait().await;
    assert_eq!(bench.events.of(&["synced", "ran"]), ["synced 1 13", "synced 1 13", "ran 2"]);
    assert_eq!(bench.record(ids[0]).await.state, JobState::Dead);
}

#[tokio::test]
async fn many_clients_at_once_dispatch_one_job() {
    let jobs = Jobs::connect("memory:").await.unwrap();
    let dispatch = || Sync::dispatch(7, 1).unique(Unique::new("k").states(UniqueStates::ALWAYS)).on(&jobs);
    let tasks: Vec<_> = (0..50).map(|_| tokio::spawn(dispatch().into_future())).collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await.unwrap().unwrap().is_new());
    }
    assert_eq!(new, 1);
}
