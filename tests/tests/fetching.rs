//! What a worker claims, when, and in which order.

use std::time::Duration;

use jobwork::{JobContext, JobError, JobState, NewJob, State, StopReason, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

#[job]
async fn note(word: String, events: State<Events>) {
    events.push(format!("ran {word}"));
}

fn notes(bench: &Bench) -> String {
    bench.events.of(&["ran "]).iter().map(|event| event["ran ".len()..].to_owned()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn a_higher_priority_runs_first_and_the_oldest_within_one() {
    let bench = Bench::new();
    for (word, priority) in [("c", 0), ("a", 5), ("d", 0), ("e", -1), ("b", 5)] {
        Note::dispatch(word).priority(priority).on(&bench.jobs).await.unwrap();
    }
    bench.app().concurrency(1).run_until_empty().await.unwrap();
    assert_eq!(notes(&bench), "a b c d e");
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_emptied_before_the_next_and_others_are_left_alone() {
    let bench = Bench::new();
    for (word, queue) in [("c", "low"), ("a", "high"), ("x", "other"), ("d", "low"), ("b", "high")] {
        Note::dispatch(word).queue(queue).priority(9 - word.len() as i32).on(&bench.jobs).await.unwrap();
    }
    bench.app().concurrency(1).queues(["high", "low"]).run_until_empty().await.unwrap();
    assert_eq!(notes(&bench), "a b c d");
}

#[tokio::test(start_paused = true)]
async fn every_queue_is_served_by_default() {
    let bench = Bench::new();
    for queue in ["x", "y", "default"] {
        Note::dispatch(queue).queue(queue).on(&bench.jobs).await.unwrap();
    }
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_this_worker_does_not_know_is_left_alone_and_loses_no_attempt() {
    let bench = Bench::new();
    let id = bench.jobs.push(vec![NewJob::new("of_another_program", "{}")]).await.unwrap()[0];
    Note::dispatch("a").on(&bench.jobs).await.unwrap();
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 1);
    let job = bench.record(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Ready, 0));
}

#[tokio::test(start_paused = true)]
async fn an_old_name_is_still_served() {
    #[job(name = "mail", alias = ["send_mail"])]
    async fn mail(to: String, events: State<Events>) {
        events.push(format!("ran {to}"));
    }
    let bench = Bench::new();
    bench.jobs.push(vec![NewJob::new("send_mail", r#"{"to":"ann"}"#)]).await.unwrap();
    bench.jobs.push(vec![NewJob::new("mail", r#"["bob"]"#)]).await.unwrap();
    bench.app().concurrency(1).run_until_empty().await.unwrap();
    assert_eq!(notes(&bench), "ann bob");
    let _ = Mail::dispatch("carl");
}

#[tokio::test(start_paused = true)]
async fn no_more_jobs_run_at_a_time_than_there_are_slots() {
    #[job]
    async fn crowded(events: State<Events>) {
        events.push("in");
        let inside = events.count("in") - events.count("out");
        events.push(format!("{inside} inside"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        events.push("out");
    }
    let bench = Bench::new();
    Crowded::dispatch_many(std::iter::repeat_with(Crowded::new).take(10)).on(&bench.jobs).await.unwrap();
    let begun = Instant::now();
    bench.app().concurrency(3).run_until_empty().await.unwrap();
    assert_eq!((bench.events.count("3 inside") > 0, bench.events.count("4 inside")), (true, 0));
    assert_eq!(begun.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_job_runs_when_it_is_due_and_not_at_the_next_poll() {
    let bench = Bench::new();
    let begun = Instant::now();
    let job = Note::dispatch("a").delay(Duration::from_millis(2_345)).on(&bench.jobs).await.unwrap();
    let worker = bench.app().poll_interval(Duration::from_secs(3600)).spawn().await.unwrap();
    job.wait().await.unwrap();
    let late = begun.elapsed() - Duration::from_millis(2_345);
    assert!(late < Duration::from_millis(5), "{late:?} late");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_job_that_is_due_earlier_is_not_kept_waiting_by_a_later_one() {
    let bench = Bench::new();
    let worker = bench.app().poll_interval(Duration::from_secs(3600)).spawn().await.unwrap();
    let later = Note::dispatch("b").delay(Duration::from_secs(60)).on(&bench.jobs).await.unwrap();
    bench.events.wait_times("claim", 2).await;
    let begun = Instant::now();
    Note::dispatch("a").delay(Duration::from_secs(5)).on(&bench.jobs).await.unwrap().wait().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 5);
    later.wait().await.unwrap();
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_runs_at_its_time() {
    #[job(retries = 1, backoff = "40s")]
    async fn fails_once(job: JobContext) -> Result<u32, JobError> {
        if job.attempt() == 1 { Err(JobError::new("no")) } else { Ok(job.attempt()) }
    }
    let bench = Bench::new();
    let begun = Instant::now();
    let job = FailsOnce::dispatch().on(&bench.jobs).await.unwrap();
    let worker = bench.app().poll_interval(Duration::from_secs(3600)).spawn().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), 2);
    let elapsed = begun.elapsed().as_secs_f64();
    assert!((40.0..44.1).contains(&elapsed), "{elapsed}");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_dispatched_job_is_started_at_once() {
    let bench = Bench::new();
    let worker = bench.app().poll_interval(Duration::from_secs(3600)).spawn().await.unwrap();
    bench.events.wait("claim").await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let begun = Instant::now();
    Note::dispatch("a").on(&bench.jobs).await.unwrap();
    bench.events.wait("ran a").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    worker.stop_and_wait().await;
}

#[job]
async fn short(events: State<Events>) {
    tokio::time::sleep(Duration::from_millis(1)).await;
    events.push("ran short");
}

/// So many that the worker comes to claim them ahead, and has some left when the store has none.
fn many_short() -> impl Iterator<Item = Short> {
    std::iter::repeat_with(Short::new).take(65)
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_ahead_is_not_kept_waiting_by_a_store_that_has_no_more() {
    let bench = Bench::new();
    Short::dispatch_many(many_short()).on(&bench.jobs).await.unwrap();
    let begun = Instant::now();
    let worker = bench.app().concurrency(1).poll_interval(Duration::from_secs(3600)).spawn().await.unwrap();
    bench.events.wait_times("ran short", 65).await;
    assert_eq!(begun.elapsed().as_secs(), 0);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn run_until_empty_performs_what_it_claimed_ahead() {
    let bench = Bench::new();
    Short::dispatch_many(many_short()).on(&bench.jobs).await.unwrap();
    let report = bench.app().concurrency(1).run_until_empty().await.unwrap();
    assert_eq!((report.completed, report.handed_back), (65, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn run_one_performs_one() {
    let bench = Bench::new();
    for word in ["a", "b"] {
        Note::dispatch(word).on(&bench.jobs).await.unwrap();
    }
    let report = bench.app().run_one().await.unwrap();
    assert_eq!((report.completed, report.reason, notes(&bench).as_str()), (1, StopReason::Empty, "a"));
    assert_eq!(bench.app().run_one().await.unwrap().completed, 1);
    assert_eq!(bench.app().run_one().await.unwrap().completed, 0);
}

#[job]
fn blocking_parent(events: State<Events>) {
    events.push("ran parent");
    let dispatched = tokio::runtime::Handle::current().block_on(async { Child::dispatch(3).await });
    dispatched.unwrap();
}

/// Dispatches itself until nothing is left, from one lane to the other.
#[job]
async fn child(left: u32, events: State<Events>) -> jobwork::Result<()> {
    events.push(format!("ran {left}"));
    match left {
        0 => Ok(()),
        1 => BlockingChild::dispatch(0).await.map(drop),
        _ => Child::dispatch(left - 1).await.map(drop),
    }
}

#[job]
fn blocking_child(left: u32, events: State<Events>) {
    events.push(format!("ran blocking {left}"));
}

#[tokio::test(start_paused = true)]
async fn run_until_empty_performs_what_its_jobs_dispatch_too() {
    let bench = Bench::new();
    BlockingParent::dispatch().on(&bench.jobs).await.unwrap();
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.completed, notes(&bench).as_str()), (5, "parent 3 2 1 blocking 0"));
}

#[tokio::test(start_paused = true)]
async fn run_until_empty_does_not_wait_for_what_is_due_later() {
    let bench = Bench::new();
    let later = Note::dispatch("later").delay(Duration::from_secs(3600)).on(&bench.jobs).await.unwrap();
    Note::dispatch("now").on(&bench.jobs).await.unwrap();
    let begun = Instant::now();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!((begun.elapsed().as_secs(), later.status().await.unwrap()), (0, JobState::Scheduled));
}

#[tokio::test(start_paused = true)]
async fn run_until_empty_ends_with_nothing_to_do() {
    let bench = Bench::new();
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.completed, report.reason), (0, StopReason::Empty));
}
