//! Many connections use one Postgres at once, in all ways: nothing is lost, nothing runs twice, and the tables agree at all times.

mod journal;
mod random;
mod task;

use std::env;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jobwork::store::postgres::Postgres;
use jobwork::store::{Due, Filter, NewSchedule, QueueLimit, SetBy, Store};
use jobwork::{JobState, Missed};
use jobwork_tests::postgres::{Schema, connect, fresh_database};
use jobwork_tests::{Sound, Tables};
use tokio::task::JoinSet;

use self::journal::Journal;
use self::random::QUEUES;
use self::task::Task;

const TASKS: u64 = 8;

/// So many calls each of them makes.
const STEPS: usize = 150;

/// The seed that the environment names, or a new one.
fn seed() -> u64 {
    let new = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let seed = env::var("JOBWORK_TEST_SEED").map_or_else(|_| new(), |seed| seed.parse().unwrap());
    eprintln!("JOBWORK_TEST_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_done_at_once_the_tables_agree() {
    let (seed, database) = (seed(), fresh_database().await);
    let schema = Schema { url: format!("{}?schema=jobwork&connections=3", database.url), name: "jobwork".to_owned() };
    let store = Postgres::open(&schema.url).await.unwrap();
    let (journal, sound) = (Arc::new(Journal::new()), Arc::new(Sound(schema)));
    let due = Due { expression: "* * * * *".to_owned(), zone: "UTC".to_owned() };
    let tick = NewSchedule { name: "tick".to_owned(), job: "job".to_owned(), due, missed: Missed::Once };
    store.schedules().unwrap().declare(vec![tick], journal.now()).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let (journal, sound) = (Arc::clone(&journal), Arc::clone(&sound));
        tasks.spawn(async move {
            let mut task = Task::begin(journal, &sound.0.url, seed.wrapping_add(number)).await;
            for step in 0..STEPS {
                task.step().await;
                if step % 25 == 0 {
                    check(&sound).await;
                }
            }
            task.die().await;
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    end(&journal, &sound).await;
    let undone = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let undone: i64 = connect(&database.url).await.query_one(undone, &[]).await.unwrap().get(0);
    assert_eq!(undone, 0, "calls waited for one another");
}

/// The tables agree, and no limit is exceeded.
async fn check(sound: &Arc<Sound<Schema>>) {
    let sound = Arc::clone(sound);
    let checked = tokio::task::spawn_blocking(move || {
        sound.check();
        let exceeded =
            "SELECT key FROM slots GROUP BY key HAVING count(*) > CASE key WHEN 'a' THEN 2 WHEN 'b' THEN 1 ELSE 99 END";
        assert_eq!(sound.0.count(&[exceeded]), [0], "a limit is exceeded");
    });
    checked.await.unwrap();
}

/// All jobs can be performed, and each was as its history says.
async fn end(journal: &Arc<Journal>, sound: &Arc<Sound<Schema>>) {
    let mut last = Task::begin(Arc::clone(journal), &sound.0.url, 0).await;
    last.rescue().await;
    check(sound).await;
    last.resume_all().await;
    last.store.control().unwrap().limit_queue(QUEUES[1], QueueLimit::new(), SetBy::Hand).await.unwrap();
    loop {
        last.drain().await;
        // Others may wait for what is dead.
        let dead = Filter { states: vec![JobState::Dead], ..Filter::default() };
        let dead: Vec<_> = last.inspect().list(&dead, last.now()).await.unwrap().iter().map(|job| job.id).collect();
        let retried = last.inspect().retry(&dead, last.now()).await.unwrap();
        if !retried.contains(&true) {
            break;
        }
    }
    check(sound).await;
    // Nobody calls who waits for a death.
    let open = "SELECT seq FROM jobs WHERE seq NOT IN (SELECT on_death FROM batches WHERE died_at IS NULL AND on_death IS NOT NULL)";
    assert_eq!(sound.0.count(&[open, "SELECT FROM claims", "SELECT FROM slots", "SELECT FROM held"]), [0; 4]);
    let jobs = last.inspect().list(&Filter::default(), last.now()).await.unwrap();
    let (stored, forgotten) = journal.entries().counts();
    assert_eq!(jobs.len() + forgotten, stored, "the jobs that are there, and those that should be");
    for job in &jobs {
        let history = last.inspect().history(job.id).await.unwrap();
        journal.entries().check(job, &history);
    }
}
