//! A store that fails or hangs: the worker goes on trying, and nothing runs twice for it.

use std::time::Duration;

use jobwork::store::WorkerState;
use jobwork::{JobState, State, StopReason, job};
use jobwork_tests::{Bench, Events, Verb};
use tokio::time::Instant;

#[job]
async fn count(events: State<Events>) {
    events.push("ran");
}

#[job]
async fn lasts(seconds: u64, events: State<Events>) {
    events.push("lasts starts");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    events.push("lasts ends");
}

#[tokio::test(start_paused = true)]
async fn a_worker_joins_when_the_store_can_be_reached() {
    let bench = Bench::new();
    Count::dispatch().on(&bench.jobs).await.unwrap();
    bench.store.fail(Verb::Beat, 5);
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.completed, bench.events.count("Beat fails")), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_worker_stops_while_it_can_not_reach_the_store_at_start() {
    let bench = Bench::new();
    bench.store.fail(Verb::Beat, usize::MAX);
    bench.store.fail(Verb::Leave, usize::MAX);
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait_times("Beat fails", 3).await;
    assert_eq!(worker.state(), WorkerState::Starting);
    let begun = Instant::now();
    let report = worker.stop_and_wait().await;
    assert_eq!((report.reason, report.completed), (StopReason::Asked, 0));
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_worker_stops_while_the_store_hangs_at_start() {
    let bench = Bench::new();
    bench.store.hold(Verb::Beat);
    bench.store.hold(Verb::Leave);
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("Beat hangs").await;
    worker.stop_and_wait().await;
    assert_eq!(bench.events.count("join"), 0);
}

#[tokio::test(start_paused = true)]
async fn claims_that_fail_are_tried_again() {
    let bench = Bench::new();
    Count::dispatch().on(&bench.jobs).await.unwrap();
    bench.store.fail(Verb::Claim, 8);
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.completed, bench.events.count("Claim fails")), (1, 8));
}

#[tokio::test(start_paused = true)]
async fn claims_that_fail_are_spaced_out() {
    let bench = Bench::new();
    bench.store.fail(Verb::Claim, usize::MAX);
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("Claim fails").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let tries = bench.events.count("Claim fails");
    // By two fetchers, one for async jobs and one for blocking ones.
    assert!((10..40).contains(&tries), "{tries} tries in a minute");
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_last_claim_grows_while_the_store_fails_and_falls_afterwards() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("claim").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(worker.last_claim_age() <= Duration::from_secs(1));
    bench.store.fail(Verb::Claim, usize::MAX);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(worker.last_claim_age() >= Duration::from_secs(29), "{:?}", worker.last_claim_age());
    bench.store.fail(Verb::Claim, 0);
    let claims = bench.events.count("claim");
    bench.events.wait_times("claim", claims + 1).await;
    tokio::task::yield_now().await;
    assert!(worker.last_claim_age() <= Duration::from_secs(1), "{:?}", worker.last_claim_age());
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_full_or_quiet_is_in_good_health() {
    let bench = Bench::new();
    Lasts::dispatch(600).on(&bench.jobs).await.unwrap();
    let worker = bench.app().concurrency(1).spawn().await.unwrap();
    bench.events.wait("lasts starts").await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(worker.last_claim_age() <= Duration::from_secs(1), "{:?}", worker.last_claim_age());
    worker.quiet();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(worker.last_claim_age() <= Duration::from_secs(1), "{:?}", worker.last_claim_age());
    worker.stop_now();
    worker.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_can_not_be_written_is_written_later_without_running_the_job_again() {
    let bench = Bench::new();
    let job = Count::dispatch().on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    bench.store.fail(Verb::Finish, 6);
    job.wait().await.unwrap();
    assert_eq!((bench.events.count("Finish fails"), bench.events.count("ran")), (6, 1));
    assert_eq!(worker.stop_and_wait().await.completed, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_whose_answer_was_lost_is_not_written_twice() {
    let bench = Bench::new();
    let job = Count::dispatch().on(&bench.jobs).await.unwrap();
    bench.store.lose_answers(Verb::Finish, 1);
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((bench.events.count("ran"), job.status().await.unwrap()), (1, JobState::Completed));
    bench.events.assert_order(&["count completed", "Finish fails", "fenced count completed"]);
    assert_eq!(report.abandoned, []);
}

#[tokio::test(start_paused = true)]
async fn jobs_go_on_while_the_store_is_away() {
    let bench = Bench::new();
    let job = Lasts::dispatch(20).on(&bench.jobs).await.unwrap();
    let worker = bench.app().lease(Duration::from_secs(60)).spawn().await.unwrap();
    bench.events.wait("lasts starts").await;
    for verb in [Verb::Claim, Verb::Beat, Verb::Finish] {
        bench.store.fail(verb, usize::MAX);
    }
    bench.events.wait("lasts ends").await;
    bench.events.wait_times("Finish fails", 3).await;
    for verb in [Verb::Claim, Verb::Beat, Verb::Finish] {
        bench.store.fail(verb, 0);
    }
    job.wait().await.unwrap();
    assert_eq!((bench.events.count("lasts starts"), bench.events.count("join")), (1, 1));
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_can_not_be_written_before_the_end_is_reported_as_abandoned() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    bench.store.fail(Verb::Finish, usize::MAX);
    let job = Count::dispatch().on(&bench.jobs).await.unwrap();
    bench.events.wait("Finish fails").await;
    let begun = Instant::now();
    let report = worker.stop_and_wait().await;
    assert_eq!((report.completed, report.abandoned), (0, vec![job.id()]));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_store_that_hangs() {
    let bench = Bench::new();
    let worker = bench.app().shutdown_timeout(Duration::from_secs(2)).spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    bench.store.hold(Verb::Claim);
    bench.store.hold(Verb::Beat);
    bench.store.hold(Verb::Leave);
    bench.store.hold(Verb::Finish);
    bench.events.wait("Claim hangs").await;
    let begun = Instant::now();
    worker.stop_and_wait().await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_hangs_keeps_no_claim_and_no_outcome() {
    let bench = Bench::new();
    let worker = bench.app().lease(Duration::from_secs(3600)).spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    bench.store.hold(Verb::Beat);
    bench.events.wait("Beat hangs").await;
    Count::dispatch().on(&bench.jobs).await.unwrap().wait().await.unwrap();
    bench.store.let_go(Verb::Beat);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn claims_and_outcomes_that_hang_keep_no_heartbeat() {
    let bench = Bench::new();
    let worker = bench.app().spawn().await.unwrap();
    worker.wait_for(WorkerState::Running).await;
    Lasts::dispatch(1).on(&bench.jobs).await.unwrap();
    bench.events.wait("lasts starts").await;
    bench.store.hold(Verb::Claim);
    bench.store.hold(Verb::Finish);
    bench.events.wait("Finish hangs").await;
    bench.events.wait_times("beat", bench.events.count("beat") + 60).await;
    assert_eq!(bench.events.count("rescued"), 0);
    bench.store.let_go(Verb::Claim);
    bench.store.let_go(Verb::Finish);
    worker.stop_and_wait().await;
}
