//! Limits and pauses as a worker heeds them: what is over a limit or paused is passed over, and runs in its time.

use std::time::Duration;

use jobwork::{JobError, JobHandle, JobState, QueueLimit, State, StopReason, Target, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// A worker that looks only when it is told to, or when the store has said it should.
const NEVER: Duration = Duration::from_secs(86_400);

/// Takes a second, one at a time for each letter of the key.
#[job(concurrency = 1, key = letter)]
async fn limited(letter: String, number: u32, events: State<Events>) {
    events.push(format!("{letter}{number} in"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    events.push(format!("{letter}{number} out"));
}

#[job(rate = "2/1m")]
async fn rated(number: u32, events: State<Events>) {
    events.push(format!("rated {number}"));
}

/// Is sent away by what it calls at its first try.
#[job(rate = "100/1s", key = service, retries = 0)]
async fn calling(service: String, number: u32, events: State<Events>) -> Result<(), JobError> {
    events.push(format!("{service} {number}"));
    if events.count(&format!("{service} 1")) == 1 && number == 1 {
        return Err(JobError::rate_limited(MINUTE));
    }
    Ok(())
}

#[job]
async fn plain(word: String, events: State<Events>) {
    events.push(word);
}

/// The same again, under a name of its own.
#[job]
async fn other(word: String, events: State<Events>) {
    events.push(word);
}

async fn limit_of(bench: &Bench, letter: &str, number: u32) -> JobHandle<Limited> {
    Limited::dispatch(letter, number).on(&bench.jobs).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_job_over_its_limit_is_passed_over_while_others_run() {
    let bench = Bench::new();
    let (_, held) = (limit_of(&bench, "a", 1).await, limit_of(&bench, "a", 2).await);
    limit_of(&bench, "b", 1).await;
    Plain::dispatch("plain").on(&bench.jobs).await.unwrap();
    let worker = bench.app().poll_interval(NEVER).spawn().await.unwrap();
    for event in ["a1 in", "b1 in", "plain"] {
        bench.events.wait(event).await;
    }
    let record = held.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Ready, 0));
    assert!(record.held_by.is_some_and(|key| key.contains('a')));
    let begun = Instant::now();
    bench.events.wait("a2 out").await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    bench.events.assert_order(&["b1 in", "a1 out", "a2 in"]);
    assert_eq!(held.record().await.unwrap().held_by, None);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_over_two_workers() {
    let bench = Bench::new();
    let app = || bench.app().poll_interval(NEVER);
    let workers = (app().spawn().await.unwrap(), app().spawn().await.unwrap());
    for number in 0..4 {
        limit_of(&bench, "a", number).await;
    }
    let begun = Instant::now();
    for number in 0..4 {
        bench.events.wait(&format!("a{number} out")).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 4);
    let ran: Vec<String> = bench.events.all().into_iter().filter(|event| event.starts_with('a')).collect();
    for pair in ran.chunks(2) {
        assert_eq!(pair[0].strip_suffix(" in"), pair[1].strip_suffix(" out"), "two at once: {ran:?}");
    }
    workers.0.stop_and_wait().await;
    workers.1.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_spreads_what_is_over_it() {
    let bench = Bench::new();
    let begun = Instant::now();
    Rated::dispatch_many((0..4).map(Rated::new)).on(&bench.jobs).await.unwrap();
    let worker = bench.app().poll_interval(NEVER).spawn().await.unwrap();
    bench.events.wait("rated 1").await;
    assert_eq!(begun.elapsed().as_secs(), 0);
    bench.events.wait("rated 2").await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    bench.events.wait("rated 3").await;
    assert_eq!(begun.elapsed().as_secs(), 60);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_until_empty_does_not_wait_for_what_a_rate_or_a_pause_holds() {
    let bench = Bench::new();
    Rated::dispatch_many((0..4).map(Rated::new)).on(&bench.jobs).await.unwrap();
    bench.jobs.pause(Target::Job("plain".to_owned()), None).await.unwrap();
    Plain::dispatch("plain").on(&bench.jobs).await.unwrap();
    let begun = Instant::now();
    let report = bench.app().run_until_empty().await.unwrap();
    assert_eq!((report.reason, report.completed, begun.elapsed().as_secs()), (StopReason::Empty, 2, 0));
    // But those of a concurrency run one after the other.
    let jobs = [limit_of(&bench, "a", 1).await, limit_of(&bench, "a", 2).await];
    assert_eq!(bench.app().run_until_empty().await.unwrap().completed, 2);
    for job in jobs {
        assert_eq!(job.status().await.unwrap(), JobState::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_rate_limited_holds_the_others_of_its_key_and_uses_no_attempt() {
    let bench = Bench::new();
    let worker = bench.app().poll_interval(NEVER).spawn().await.unwrap();
    let first = Calling::dispatch("maps", 1).on(&bench.jobs).await.unwrap();
    bench.events.wait("calling rate limited").await;
    let begun = Instant::now();
    let second = Calling::dispatch("maps", 2).on(&bench.jobs).await.unwrap();
    Calling::dispatch("mail", 2).on(&bench.jobs).await.unwrap();
    bench.events.wait("mail 2").await;
    assert_eq!((begun.elapsed().as_secs(), bench.events.count("maps 2")), (0, 0));
    second.wait().await.unwrap();
    first.wait().await.unwrap();
    let waited = begun.elapsed();
    assert!((MINUTE..MINUTE + Duration::from_secs(1)).contains(&waited), "{waited:?}");
    assert_eq!(first.record().await.unwrap().attempt, 1);
    assert_eq!(bench.story(first.id()).await, ["rate limited"]);
    assert_eq!(bench.history(second.id()).await.len(), 0);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_queues_limit_is_set_at_the_start_and_one_set_by_hand_holds_until_a_start_with_another() {
    let bench = Bench::new();
    let limits =
        async || bench.jobs.queue_limits().await.unwrap().into_iter().map(|(_, limit)| limit).collect::<Vec<_>>();
    let started = async |count| {
        let app = bench.app().limit_queue("mail", QueueLimit::new().concurrency(count));
        app.run_until_empty().await.unwrap();
    };
    let of = |count| vec![QueueLimit::new().concurrency(count)];
    started(2).await;
    assert_eq!(limits().await, of(2));
    bench.jobs.limit_queue("mail", QueueLimit::new().concurrency(5)).await.unwrap();
    started(2).await;
    assert_eq!(limits().await, of(5), "the program says what it said before");
    started(3).await;
    assert_eq!(limits().await, of(3));
    bench.jobs.limit_queue("mail", QueueLimit::new()).await.unwrap();
    started(3).await;
    assert_eq!(limits().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_limited_queue_runs_no_more_than_it_says_and_other_queues_are_free() {
    let bench = Bench::new();
    bench.jobs.limit_queue("narrow", QueueLimit::new().concurrency(1)).await.unwrap();
    let begun = Instant::now();
    for letter in ["a", "b", "c"] {
        Limited::dispatch(letter, 1).queue("narrow").on(&bench.jobs).await.unwrap();
    }
    for letter in ["d", "e", "f"] {
        Limited::dispatch(letter, 1).queue("wide").on(&bench.jobs).await.unwrap();
    }
    let app = || bench.app().poll_interval(NEVER);
    let workers = (app().spawn().await.unwrap(), app().spawn().await.unwrap());
    for letter in ["d", "e", "f"] {
        bench.events.wait(&format!("{letter}1 out")).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 1);
    for letter in ["a", "b", "c"] {
        bench.events.wait(&format!("{letter}1 out")).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 3);
    workers.0.stop_and_wait().await;
    workers.1.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_takes_effect_in_a_running_worker_and_ends_when_it_is_resumed() {
    for target in [Target::Everything, Target::Queue("default".to_owned()), Target::Job("plain".to_owned())] {
        let bench = Bench::new();
        let worker = bench.app().poll_interval(NEVER).spawn().await.unwrap();
        let say = async |word: &str| Plain::dispatch(word).on(&bench.jobs).await.unwrap();
        say("before").await.wait().await.unwrap();
        bench.jobs.pause(target.clone(), None).await.unwrap();
        let paused = say("paused").await;
        Other::dispatch("free").queue("elsewhere").on(&bench.jobs).await.unwrap();
        if target != Target::Everything {
            bench.events.wait("free").await;
        }
        tokio::time::advance(MINUTE).await;
        assert_eq!((bench.events.count("paused"), paused.status().await.unwrap()), (0, JobState::Ready), "{target}");
        assert!(bench.jobs.resume(target.clone()).await.unwrap());
        bench.events.wait("paused").await;
        bench.events.wait("free").await;
        worker.stop_and_wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_by_itself() {
    for target in [Target::Everything, Target::Queue("default".to_owned()), Target::Job("plain".to_owned())] {
        let bench = Bench::new();
        let worker = bench.app().poll_interval(NEVER).spawn().await.unwrap();
        let begun = Instant::now();
        bench.jobs.pause(target.clone(), Some(bench.jobs.now() + MINUTE)).await.unwrap();
        Plain::dispatch("late").on(&bench.jobs).await.unwrap().wait().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 60, "{target}");
        worker.stop_and_wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_runs_goes_on_through_a_pause() {
    let bench = Bench::new();
    let job = limit_of(&bench, "a", 1).await;
    let worker = bench.app().spawn().await.unwrap();
    bench.events.wait("a1 in").await;
    bench.jobs.pause(Target::Everything, None).await.unwrap();
    job.wait().await.unwrap();
    worker.stop_and_wait().await;
}
