//! From which queues a worker takes jobs: in which order, and how many of one at a time.

use std::time::Duration;

use jobwork::{App, JobContext, Queues, State, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);

/// Takes a second, and tells how many of its queue run at the time.
#[job]
async fn crowded(job: JobContext, events: State<Events>) {
    let queue = job.queue().to_owned();
    events.push(format!("{queue} in"));
    let inside = events.count(&format!("{queue} in")) - events.count(&format!("{queue} out"));
    events.push(format!("{inside} of {queue}"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    events.push(format!("{queue} out"));
}

async fn fill(bench: &Bench, queue: &str, jobs: usize) {
    let many = std::iter::repeat_with(Crowded::new).take(jobs);
    Crowded::dispatch_many(many).queue(queue).on(&bench.jobs).await.unwrap();
}

/// The most jobs of the queue that ran at a time.
fn most(bench: &Bench, queue: &str) -> usize {
    let suffix = format!(" of {queue}");
    let counts = bench.events.all().into_iter().filter_map(|event| event.strip_suffix(&suffix)?.parse().ok());
    counts.max().unwrap_or(0)
}

/// How many of the first hundred jobs that ran were of the queue `high`, and that there were two queues in all.
async fn high_of_the_first_hundred(queues: Queues) -> usize {
    let bench = Bench::new();
    fill(&bench, "high", 150).await;
    fill(&bench, "low", 150).await;
    let report = bench.app().concurrency(1).queues(queues).run_until_empty().await.unwrap();
    assert_eq!(report.completed, 300);
    let ran = bench.events.of(&["high in", "low in"]);
    ran[..100].iter().filter(|event| *event == "high in").count()
}

#[tokio::test(start_paused = true)]
async fn weighted_queues_are_served_in_the_shares_of_their_weights() {
    let high = high_of_the_first_hundred(Queues::weighted([("high", 3), ("low", 1)]).seed(1)).await;
    assert!((65..=85).contains(&high), "{high}");
}

#[tokio::test(start_paused = true)]
async fn queues_in_random_order_are_served_alike() {
    let high = high_of_the_first_hundred(Queues::random(["high", "low"]).seed(1)).await;
    assert!((40..=60).contains(&high), "{high}");
}

#[tokio::test(start_paused = true)]
async fn of_queues_in_strict_order_the_first_is_emptied_first() {
    assert_eq!(high_of_the_first_hundred(Queues::strict(["high", "low"])).await, 100);
}

#[tokio::test(start_paused = true)]
async fn queues_that_are_not_named_are_left_alone_in_every_order() {
    for queues in [Queues::strict(["a"]), Queues::weighted([("a", 2)]), Queues::random(["a"])] {
        let bench = Bench::new();
        fill(&bench, "a", 1).await;
        fill(&bench, "b", 1).await;
        assert_eq!(bench.app().queues(queues).run_until_empty().await.unwrap().completed, 1);
        assert_eq!(bench.events.of(&["a in", "b in"]), ["a in"]);
    }
}

/// Runs ten jobs of `mail` and ten of `other` on an app with ten slots that runs two of `mail` at a time, and never looks
/// into the store without a reason.
async fn two_of_mail_at_a_time(configured: impl FnOnce(App) -> App) {
    let bench = Bench::new();
    fill(&bench, "mail", 10).await;
    fill(&bench, "other", 10).await;
    let app = configured(bench.app().concurrency(10).queue_concurrency("mail", 2).poll_interval(HOUR));
    let begun = Instant::now();
    let worker = app.spawn().await.unwrap();
    bench.events.wait_times("mail out", 10).await;
    bench.events.wait_times("other out", 10).await;
    assert_eq!((most(&bench, "mail"), begun.elapsed().as_secs()), (2, 5));
    assert!(most(&bench, "other") >= 8, "{}", most(&bench, "other"));
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_jobs_of_a_queue_run_at_a_time_than_were_said() {
    two_of_mail_at_a_time(|app| app.queues(["mail", "other"])).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_of_every_queue_heeds_the_limit_of_one() {
    two_of_mail_at_a_time(|app| app).await;
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_full_queue_are_left_to_another_worker() {
    let bench = Bench::new();
    fill(&bench, "mail", 4).await;
    let app = || bench.app().concurrency(10).queue_concurrency("mail", 2).poll_interval(HOUR);
    let begun = Instant::now();
    let workers = (app().spawn().await.unwrap(), app().spawn().await.unwrap());
    bench.events.wait_times("mail out", 4).await;
    assert_eq!((most(&bench, "mail"), begun.elapsed().as_secs()), (4, 1));
    workers.0.stop_and_wait().await;
    workers.1.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_until_empty_empties_a_queue_of_few_at_a_time() {
    let bench = Bench::new();
    fill(&bench, "mail", 7).await;
    let app = bench.app().queue_concurrency("mail", 3).poll_interval(HOUR);
    let begun = Instant::now();
    assert_eq!(app.run_until_empty().await.unwrap().completed, 7);
    assert_eq!((most(&bench, "mail"), begun.elapsed().as_secs()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn what_a_quiet_worker_gave_back_takes_no_place() {
    let bench = Bench::new();
    let worker = bench.app().queue_concurrency("mail", 2).poll_interval(HOUR).spawn().await.unwrap();
    for _ in 0..3 {
        fill(&bench, "mail", 2).await;
        bench.events.wait("mail in").await;
        worker.quiet();
        worker.resume();
    }
    bench.events.wait_times("mail out", 6).await;
    assert_eq!(most(&bench, "mail"), 2);
    worker.stop_and_wait().await;
}

#[job]
async fn note(word: String, events: State<Events>) {
    events.push(format!("ran {word}"));
}

async fn an_old_job_and_a_more_urgent_new_one(configured: impl FnOnce(App) -> App) -> Vec<String> {
    let bench = Bench::new();
    Note::dispatch("old").on(&bench.jobs).await.unwrap();
    tokio::time::advance(3 * HOUR).await;
    Note::dispatch("urgent").priority(2).on(&bench.jobs).await.unwrap();
    configured(bench.app().concurrency(1)).run_until_empty().await.unwrap();
    bench.events.of(&["ran "])
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waited_comes_before_a_more_urgent_one_where_jobs_age() {
    assert_eq!(an_old_job_and_a_more_urgent_new_one(|app| app.ageing(HOUR)).await, ["ran old", "ran urgent"]);
    assert_eq!(an_old_job_and_a_more_urgent_new_one(|app| app.ageing(2 * HOUR)).await, ["ran urgent", "ran old"]);
    assert_eq!(an_old_job_and_a_more_urgent_new_one(|app| app).await, ["ran urgent", "ran old"]);
}
