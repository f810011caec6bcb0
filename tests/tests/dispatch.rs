//! Dispatching jobs, and asking after them.

use std::time::Duration;

use jobwork::store::Filter;
use jobwork::{Error, Job, JobError, JobHandle, JobState, Jobs, NewJob, State, WaitError, job};
use jobwork_tests::{Bench, Events, Verb};

#[job(queue = "sums", priority = 3, retries = 1, backoff = "5s")]
async fn add(one: u32, other: u32) -> Result<u32, JobError> {
    one.checked_add(other).ok_or_else(|| JobError::new("too much"))
}

#[job]
async fn parent(events: State<Events>) -> jobwork::Result<()> {
    let child = Add::dispatch(1, 2).await?;
    events.push(format!("dispatched {}", child.id()));
    Ok(())
}

#[job(retries = 0)]
async fn asks() -> Result<u32, WaitError> {
    Add::dispatch(20, 3).await?.wait().await
}

#[tokio::test(start_paused = true)]
async fn a_job_is_stored_with_its_own_options() {
    let bench = Bench::new();
    let job = Add::dispatch(1, 2).on(&bench.jobs).await.unwrap().record().await.unwrap();
    assert_eq!((job.name.as_str(), job.queue.as_str(), job.priority, job.retries), ("add", "sums", 3, 1));
    assert_eq!((job.args.as_str(), job.state, job.attempt), (r#"{"one":1,"other":2}"#, JobState::Ready, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_may_say_otherwise() {
    let bench = Bench::new();
    let delay = Duration::from_secs(90);
    let dispatch = Add::dispatch(1, 2).queue("slow").priority(-1).retries(7).delay(delay).tag("a").tag("b");
    let job = dispatch.on(&bench.jobs).await.unwrap().record().await.unwrap();
    assert_eq!((job.queue.as_str(), job.priority, job.retries), ("slow", -1, 7));
    assert_eq!((job.state, job.run_at.duration_since(job.created_at).as_secs()), (JobState::Scheduled, 90));
    assert_eq!(job.tags, ["a", "b"]);
    let at = bench.jobs.now() + Duration::from_secs(5);
    assert_eq!(Add::dispatch(1, 2).at(at).on(&bench.jobs).await.unwrap().record().await.unwrap().run_at, at);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_has_passed_is_now() {
    let bench = Bench::new();
    let at = bench.jobs.now() - Duration::from_secs(5);
    let job = Add::dispatch(1, 2).at(at).on(&bench.jobs).await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Ready);
}

#[tokio::test(start_paused = true)]
async fn the_result_is_waited_for_before_and_after_the_end() {
    let bench = Bench::new();
    let job = Add::dispatch(40, 2).on(&bench.jobs).await.unwrap();
    let early = tokio::spawn({
        let job = job.clone();
        async move { job.wait().await.unwrap() }
    });
    tokio::task::yield_now().await;
    bench.app().run_until_empty().await.unwrap();
    assert_eq!((early.await.unwrap(), job.wait().await.unwrap()), (42, 42));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_dead_job_tells_what_went_wrong() {
    let bench = Bench::new();
    let job = Add::dispatch(u32::MAX, 1).on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    let error = job.wait().await.unwrap_err();
    worker.stop_and_wait().await;
    let WaitError::Dead { id, failure: Some(failure), .. } = &error else { panic!("{error:?}") };
    assert_eq!((*id, failure.message.as_str()), (job.id(), "too much"));
    assert_eq!(error.to_string(), format!("job {} is dead: no retries left: too much", job.id()));
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_retry_can_be_had_now_by_hand() {
    let bench = Bench::new();
    let job = Add::dispatch(u32::MAX, 1).on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Scheduled);
    assert!(job.retry().await.unwrap());
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Ready, 0));
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_a_deleted_job_says_so() {
    let bench = Bench::new();
    let job = Add::dispatch(1, 2).on(&bench.jobs).await.unwrap();
    assert!(bench.jobs.delete(job.id()).await.unwrap());
    assert!(matches!(job.status().await, Err(Error::NoSuchJob(id)) if id == job.id()));
    assert!(matches!(job.wait().await, Err(WaitError::Gone { id }) if id == job.id()));
}

#[tokio::test(start_paused = true)]
async fn a_handle_can_be_made_from_an_id() {
    let bench = Bench::new();
    let id = Add::dispatch(1, 2).on(&bench.jobs).await.unwrap().id();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(JobHandle::<Add>::new(id, bench.jobs.clone()).wait().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn many_jobs_are_stored_in_one_write_and_in_order() {
    let bench = Bench::new();
    let many = (0..100).map(|number| Add::new(number, 1));
    let handles = Add::dispatch_many(many).queue("bulk").on(&bench.jobs).await.unwrap();
    assert_eq!(bench.events.of(&["push"]), ["push 100"]);
    bench.app().run_until_empty().await.unwrap();
    for (number, handle) in (0..).zip(&handles) {
        assert_eq!(handle.wait().await.unwrap(), number + 1u32);
    }
    assert!(bench.jobs.list(&Filter::default()).await.unwrap().iter().all(|job| job.queue == "bulk"));
}

#[tokio::test(start_paused = true)]
async fn a_job_dispatches_on_the_store_of_its_worker() {
    let (bench, other) = (Bench::new(), Bench::new());
    other.jobs.make_default();
    Parent::dispatch().on(&bench.jobs).await.unwrap();
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 2);
    assert!(other.events.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_may_wait_for_the_result_of_another() {
    let bench = Bench::new();
    let job = Asks::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), 23);
}

fn tagged(new: &mut NewJob) -> Result<(), String> {
    new.tags.push("hooked".to_owned());
    new.priority += 1;
    Ok(())
}

fn no_bulk(new: &mut NewJob) -> Result<(), String> {
    if new.queue == "bulk" { Err("the bulk queue is closed".to_owned()) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_hook_may_change_a_job() {
    let bench = Bench::new();
    let jobs = bench.jobs.clone().on_dispatch(tagged).on_dispatch(tagged);
    let job = Add::dispatch(1, 2).on(&jobs).await.unwrap().record().await.unwrap();
    assert_eq!((job.tags.len(), job.priority), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_hook_may_refuse_a_job_and_nothing_is_stored_then() {
    let bench = Bench::new();
    let jobs = bench.jobs.clone().on_dispatch(no_bulk);
    let error = Add::dispatch(1, 2).queue("bulk").on(&jobs).await.unwrap_err();
    assert_eq!(error.to_string(), "dispatch of job `add` was refused: the bulk queue is closed");
    let mut bulk = NewJob::new("add", "[1,2]");
    bulk.queue = "bulk".into();
    let both = vec![NewJob::of::<Add>("[1,2]".to_owned()), bulk];
    assert!(matches!(jobs.push(both).await, Err(Error::Refused { .. })));
    assert!(bench.events.of(&["push"]).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_apps_hooks_see_what_its_jobs_dispatch() {
    let bench = Bench::new();
    Parent::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().on_dispatch(tagged).run_until_empty().await.unwrap();
    let children = Filter { name: Some(Add::NAME.to_owned()), ..Filter::default() };
    assert_eq!(bench.jobs.list(&children).await.unwrap()[0].tags, ["hooked"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_fails_the_dispatch() {
    let bench = Bench::new();
    bench.store.fail(Verb::Push, 1);
    let error = Add::dispatch(1, 2).on(&bench.jobs).await.unwrap_err();
    assert_eq!(error.to_string(), "the job store failed: the test pulled the plug");
}

#[tokio::test]
async fn an_unknown_store_is_refused_with_what_is_known() {
    let error = Jobs::connect("carrier-pigeon:roof").await.unwrap_err().to_string();
    assert!(error.contains("carrier-pigeon:roof") && error.contains("`memory:`"), "{error}");
}
