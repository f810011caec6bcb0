use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use jobwork::chain;
use jobwork_tests::signalled::{Begin, Deadly, GoOn, Polite, TwoAtOnce};
use rustix::process::Signal;

use super::process::{LIMIT, Process};
use super::store::{Store, result, words};

/// Rescue begins this soon after a worker's death.
const RESCUE: Duration = Duration::from_secs(2);

async fn hundred(store: &Store) -> Vec<jobwork::JobHandle<Polite>> {
    let jobs = (0..100).map(|number| Polite::new(format!("j{number}")));
    Polite::dispatch_many(jobs).on(&store.jobs).await.unwrap()
}

/// Every job ran again, with its first attempt, and completed.
async fn assert_rescued(store: &Store, jobs: &[jobwork::JobHandle<Polite>], rescuer: &mut Process) {
    for (number, job) in jobs.iter().enumerate() {
        result(job).await;
        let record = job.record().await.unwrap();
        assert_eq!((record.attempt, record.rescues), (1, 1));
        assert_eq!(words(store, job).await, ["rescued"]);
        rescuer.expect(&format!("returned j{number}"));
    }
}

#[tokio::test]
async fn the_jobs_of_a_killed_worker_are_finished_by_another() {
    let store = Store::new().await;
    let jobs = hundred(&store).await;
    let mut dying = Process::worker(&store, &[]);
    (0..100).for_each(|number| drop(dying.expect(&format!("started j{number}"))));
    let mut living = Process::worker(&store, &[]);
    let killed = Instant::now();
    dying.signal(Signal::KILL);
    living.expect("started");
    assert!(killed.elapsed() < RESCUE, "rescued after {:?}", killed.elapsed());
    living.release("all");
    assert_rescued(&store, &jobs, &mut living).await;
}

#[tokio::test]
async fn the_jobs_of_a_killed_worker_wait_for_the_next_one_and_no_longer() {
    let store = Store::new().await;
    let jobs = hundred(&store).await;
    let mut dying = Process::worker(&store, &[]);
    (0..100).for_each(|number| drop(dying.expect(&format!("started j{number}"))));
    dying.signal(Signal::KILL);
    dying.exited();
    let mut next = Process::worker(&store, &[]);
    let began = Instant::now();
    next.expect("started");
    assert!(began.elapsed() < RESCUE, "rescued after {:?}", began.elapsed());
    next.release("all");
    assert_rescued(&store, &jobs, &mut next).await;
}

#[tokio::test]
async fn a_job_that_kills_its_worker_three_times_is_a_poison_pill() {
    let store = Store::new().await;
    let job = store.dispatch(Deadly::dispatch("deadly")).await;
    for death in 0..3 {
        let mut worker = Process::start(&store, &[]);
        assert_eq!(worker.exited().signal(), Some(Signal::ABORT.as_raw()));
        worker.assert_order(&["state running", &format!("started deadly attempt 1 rescues {death}")]);
    }
    let mut survivor = Process::worker(&store, &[]);
    let error = tokio::time::timeout(LIMIT, job.wait()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("poison pill"), "{error}");
    assert_eq!(job.record().await.unwrap().rescues, 3);
    survivor.signal(Signal::TERM);
    survivor.report().assert_clean(0);
    assert!(!survivor.has_seen("started deadly"));
}

#[tokio::test]
async fn a_chain_goes_on_where_its_worker_was_killed() {
    let store = Store::new().await;
    let chain = chain![Begin, GoOn, Begin].dispatch("x").on(&store.jobs).await.unwrap();
    let mut dying = Process::worker(&store, &[]);
    dying.expect("started x+");
    dying.signal(Signal::KILL);
    let mut next = Process::worker(&store, &[]);
    assert!(next.expect("started x+").starts_with("started x+ attempt 1 rescues 1"));
    next.release("all");
    let output = tokio::time::timeout(LIMIT, chain.wait()).await.unwrap().unwrap();
    assert_eq!(output, "x+++");
    assert!(!next.has_seen("started x"), "the first member ran again");
    let members = chain.members().await.unwrap();
    assert_eq!(members.iter().map(|member| member.rescues).collect::<Vec<_>>(), [0, 1, 0]);
    assert!(members.iter().all(|member| member.attempt == 1));
}

#[tokio::test]
async fn the_slots_of_a_killed_worker_are_free_once_its_jobs_are_rescued() {
    let store = Store::new().await;
    let jobs = ["a", "b", "c", "d"].map(TwoAtOnce::new);
    let jobs = TwoAtOnce::dispatch_many(jobs).on(&store.jobs).await.unwrap();
    let mut dying = Process::worker(&store, &[]);
    dying.expect("started a");
    dying.expect("started b");
    let mut living = Process::worker(&store, &[]);
    for job in &jobs[2..] {
        store.until(async |_| job.record().await.unwrap().held_by).await;
    }
    let killed = Instant::now();
    dying.signal(Signal::KILL);
    living.expect("started");
    assert!(killed.elapsed() < RESCUE, "rescued after {:?}", killed.elapsed());
    living.expect_times("started", 2);
    living.release("all");
    for job in &jobs {
        result(job).await;
    }
    living.signal(Signal::TERM);
    living.report().assert_clean(4);
    assert_eq!(most_at_once(living.seen()), 2);
    assert!(!dying.has_seen("started c") && !dying.has_seen("started d"));
}

/// How many jobs ran together at most.
fn most_at_once(events: &[String]) -> usize {
    let count = |events: &[String], word| events.iter().filter(|event| event.starts_with(word)).count();
    let running = |end| count(&events[..end], "started ") - count(&events[..end], "dropped ");
    (0..=events.len()).map(running).max().unwrap_or(0)
}
