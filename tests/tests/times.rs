//! When a job may run: its expiry, the end of its retries, jobs spread over a time, and many that are due at once.

use std::sync::Arc;
use std::time::Duration;

use jobwork::store::Topic;
use jobwork::store::memory::Memory;
use jobwork::{App, Clock, JobError, JobHandle, JobOptions, JobState, Jobs, NewJob, State, chain, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[job]
async fn note(events: State<Events>) {
    events.push("ran");
}

#[job(backoff = "40s")]
async fn fails() -> Result<(), JobError> {
    Err(JobError::new("no luck"))
}

#[job]
async fn pass(number: u32) -> Result<u32, JobError> {
    Ok(number)
}

/// The seconds from a job's dispatch until it expires, and until it is not retried any more.
async fn limits<J: jobwork::Job>(job: &JobHandle<J>) -> (Option<i64>, Option<i64>) {
    let job = job.record().await.unwrap();
    let seconds = |time: jiff::Timestamp| time.duration_since(job.created_at).as_secs();
    (job.expires_at.map(seconds), job.retry_until.map(seconds))
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_time_count_from_the_dispatch_or_the_time_it_is_for() {
    let bench = Bench::new();
    let dispatch = || Note::dispatch().on(&bench.jobs);
    assert_eq!(limits(&dispatch().await.unwrap()).await, (None, None));
    let limited = || dispatch().expires(MINUTE).retry_for(HOUR);
    assert_eq!(limits(&limited().await.unwrap()).await, (Some(60), Some(3600)));
    assert_eq!(limits(&limited().delay(MINUTE).await.unwrap()).await, (Some(120), Some(3660)));
    let long_ago = bench.jobs.now() - HOUR;
    assert_eq!(limits(&limited().at(long_ago).await.unwrap()).await, (Some(60), Some(3600)));
    let at = bench.jobs.now() + MINUTE;
    assert_eq!(limits(&dispatch().expires_at(at).delay(HOUR).await.unwrap()).await, (Some(60), None));
}

/// A job with limits of its own.
#[derive(serde::Serialize, serde::Deserialize)]
struct Limited {}

impl jobwork::Job for Limited {
    type Output = ();
    type Params = ();
    const NAME: &'static str = "limited";
    const FIELDS: &'static [&'static str] = &[];
    const OPTIONS: JobOptions = JobOptions::DEFAULT.expires(MINUTE).retry_for(HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_job_has_the_limits_of_its_own_unless_the_dispatch_says_otherwise() {
    let bench = Bench::new();
    let dispatch = || jobwork::Dispatch::new(Limited {}).on(&bench.jobs);
    assert_eq!(limits(&dispatch().await.unwrap()).await, (Some(60), Some(3600)));
    assert_eq!(limits(&dispatch().delay(MINUTE).await.unwrap()).await, (Some(120), Some(3660)));
    assert_eq!(limits(&dispatch().expires(HOUR).retry_for(MINUTE).await.unwrap()).await, (Some(3600), Some(60)));
    let many = jobwork::DispatchMany::new([Limited {}, Limited {}]).spread(MINUTE).on(&bench.jobs).await.unwrap();
    assert_eq!((limits(&many[0]).await.0, limits(&many[1]).await.0), (Some(60), Some(90)));
    let pipeline = jobwork::Chain::first_complete(Pass::new(1)).then_complete(Limited {});
    let members = pipeline.delay(MINUTE).on(&bench.jobs).dispatch().await.unwrap().members().await.unwrap();
    let expiry = |at: usize| members[at].expires_at.map(|time| time.duration_since(members[at].created_at).as_secs());
    assert_eq!((expiry(0), expiry(1)), (None, Some(120)));
}

#[tokio::test(start_paused = true)]
async fn every_member_of_a_chain_has_the_limits_of_the_chain() {
    let bench = Bench::new();
    let dispatched = chain![Pass, Pass, Pass].expires(MINUTE).retry_for(HOUR).dispatch(1_u32).on(&bench.jobs).await;
    for member in dispatched.unwrap().members().await.unwrap() {
        assert_eq!(member.expires_at, Some(member.created_at + MINUTE));
        assert_eq!(member.retry_until, Some(member.created_at + HOUR));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_in_a_queue_without_workers_expires_in_time() {
    let bench = Bench::new();
    let job = Note::dispatch().queue("nobodys").expires(MINUTE).on(&bench.jobs).await.unwrap();
    let worker = bench.app().queues(["other"]).spawn().await.unwrap();
    let begun = Instant::now();
    let error = job.wait().await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    let elapsed = begun.elapsed().as_secs_f64();
    assert!((60.0..61.0).contains(&elapsed), "{elapsed}");
    assert_eq!(job.status().await.unwrap(), JobState::Discarded);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn thousands_that_expired_keep_no_worker_from_what_is_behind_them() {
    let bench = Bench::new();
    let many = || std::iter::repeat_with(Note::new).take(2_000);
    Note::dispatch_many(many()).expires(MINUTE).on(&bench.jobs).await.unwrap();
    Note::dispatch_many(many().take(3)).on(&bench.jobs).await.unwrap();
    tokio::time::advance(HOUR).await;
    assert_eq!(bench.app().concurrency(1).run_one().await.unwrap().completed, 1);
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 2);
    assert_eq!(bench.events.count("ran"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_next_retry_would_come_too_late_is_dead() {
    let bench = Bench::new();
    let job = Fails::dispatch().retry_for(MINUTE).on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    job.wait().await.unwrap_err();
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Dead, 2));
    assert_eq!(record.reason.as_deref(), Some("no time left to retry"));
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn jobs_are_spread_evenly_and_the_first_is_due_at_once() {
    let bench = Bench::new();
    let spread = || Note::dispatch_many(std::iter::repeat_with(Note::new).take(4)).spread(MINUTE).on(&bench.jobs);
    let due = async |jobs: Vec<JobHandle<Note>>| {
        let ids: Vec<_> = jobs.iter().map(JobHandle::id).collect();
        let records = bench.jobs.inspect().unwrap().get(&ids, bench.jobs.now()).await.unwrap();
        let waits = records.into_iter().flatten().map(|job| job.run_at.duration_since(job.created_at).as_secs());
        waits.collect::<Vec<_>>()
    };
    assert_eq!(due(spread().await.unwrap()).await, [0, 15, 30, 45]);
    assert_eq!(due(spread().delay(HOUR).await.unwrap()).await, [3600, 3615, 3630, 3645]);
    assert_eq!(due(spread().spread(Duration::MAX).await.unwrap()).await.len(), 4);
    assert_eq!(due(Note::dispatch_many([]).spread(MINUTE).on(&bench.jobs).await.unwrap()).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_due_in_the_same_second_start_without_a_stall() {
    // Without the log of a bench, which would be long.
    let jobs = Jobs::new(Arc::new(Memory::new())).with_clock(Clock::tokio());
    let due = jobs.now() + HOUR;
    let job = || {
        let mut job = NewJob::new("pass", r#"{"number":1}"#);
        job.run_at = Some(due);
        job
    };
    jobs.push(std::iter::repeat_with(job).take(100_000).collect()).await.unwrap();
    let app = App::new().single_runtime(true).jobs(jobs.clone()).state(Events::default());
    let worker = app.poll_interval(HOUR).concurrency(1_000).spawn().await.unwrap();
    let last = jobs.push(vec![job()]).await.unwrap()[0];
    let begun = Instant::now();
    let mut settled = jobs.store().wakeups(Topic::Settled);
    while jobs.get(last).await.unwrap().unwrap().state != JobState::Completed {
        settled.changed().await;
    }
    // The clock stands still while there is something to do: what passes is waiting.
    let late = begun.elapsed().saturating_sub(HOUR);
    assert!(late < Duration::from_secs(1), "{late:?} late");
    assert_eq!(worker.stop_and_wait().await.completed, 100_001);
}
