//! A job commits its own success: its effects and its end are one.

use std::sync::Mutex;
use std::time::Duration;

use jobwork::store::Rescue;
use jobwork::{Error, JobContext, JobState, job};
use jobwork_tests::postgres::connect;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::scene::{LIMIT, Scene, result};
use super::{diesel, diesel_async, sqlx_0_8, sqlx_0_9, tokio_postgres};

/// What a job is told to do, by each driver.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Order {
    driver: String,
    url: String,
    effect: String,
    /// Whether it commits.
    commits: bool,
    /// Whether it returns an error in the end.
    fails: bool,
}

/// Has an effect, and completes with it.
#[job(retries = 1, backoff = "0s")]
pub(crate) async fn effective(order: Order, job: JobContext) -> anyhow::Result<String> {
    by_driver(&order, &job).await?;
    if order.fails && job.attempt() == 1 {
        Err(anyhow::anyhow!("it fails in the end"))
    } else {
        Ok("returned".to_owned())
    }
}

async fn by_driver(order: &Order, job: &JobContext) -> anyhow::Result<()> {
    let commits = order.commits || job.attempt() > 1;
    let (url, effect) = (order.url.as_str(), order.effect.as_str());
    match order.driver.as_str() {
        "tokio-postgres" => tokio_postgres::complete(url, effect, commits, job).await,
        "sqlx 0.8" => sqlx_0_8::complete(url, effect, commits, job).await,
        "sqlx 0.9" => sqlx_0_9::complete(url, effect, commits, job).await,
        "diesel" => {
            let (url, effect, job) = (url.to_owned(), effect.to_owned(), job.clone());
            tokio::task::spawn_blocking(move || diesel::complete(&url, &effect, commits, &job)).await?
        }
        "diesel-async" => diesel_async::complete(url, effect, commits, job).await,
        other => panic!("no driver {other}"),
    }
}

const DRIVERS: [&str; 5] = ["tokio-postgres", "sqlx 0.8", "sqlx 0.9", "diesel", "diesel-async"];

fn order(scene: &Scene, driver: &str, commits: bool, fails: bool) -> Order {
    Order { driver: driver.to_owned(), url: scene.database(), effect: scene.effect(), commits, fails }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_commits_is_its_end_whatever_it_returns() {
    let scene = Scene::new().await;
    let _worker = scene.worker().await;
    for (effects, (driver, fails)) in (1..).zip(DRIVERS.iter().flat_map(|driver| [(driver, false), (driver, true)])) {
        let job = Effective::dispatch(order(&scene, driver, true, fails)).on(&scene.jobs).await.unwrap();
        assert_eq!(result(&job).await, "finished", "{driver}");
        scene.settled().await;
        let record = job.record().await.unwrap();
        assert_eq!((record.state, record.attempt, scene.count().await), (JobState::Completed, 1, effects), "{driver}");
        assert_eq!(scene.jobs.history(job.id()).await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_rolls_back_leaves_its_end_to_what_it_returns() {
    let scene = Scene::new().await;
    let _worker = scene.worker().await;
    for driver in DRIVERS {
        let job = Effective::dispatch(order(&scene, driver, false, false)).on(&scene.jobs).await.unwrap();
        assert_eq!(result(&job).await, "returned", "{driver}");
        assert_eq!(scene.count().await, 0);
    }
    for (effects, driver) in (1..).zip(DRIVERS) {
        let job = Effective::dispatch(order(&scene, driver, false, true)).on(&scene.jobs).await.unwrap();
        assert_eq!(result(&job).await, "finished", "its second attempt commits by {driver}");
        let record = job.record().await.unwrap();
        assert_eq!((record.attempt, scene.count().await), (2, effects));
    }
}

/// A job has finished in its transaction and not committed it; it may commit.
static HELD: [Semaphore; 2] = [const { Semaphore::const_new(0) }; 2];

/// Finishes in its transaction, and commits that when it may.
#[job]
async fn holding(url: String, job: JobContext) -> anyhow::Result<()> {
    let mut client = connect(&url).await;
    let transaction = client.transaction().await?;
    job.finish_in(&transaction, &()).await?;
    HELD[0].add_permits(1);
    HELD[1].acquire().await?.forget();
    Ok(transaction.commit().await?)
}

/// Ends while the other one holds its transaction.
#[job]
async fn beside() -> anyhow::Result<()> {
    HELD[0].acquire().await?.forget();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_of_the_same_claim_wait_for_no_transaction() {
    let scene = Scene::new().await;
    let (holding, beside) = (Holding::dispatch(scene.database()), Beside::dispatch());
    let (holding, beside) = (holding.on(&scene.jobs).await.unwrap(), beside.on(&scene.jobs).await.unwrap());
    let _worker = scene.worker().await;
    result(&beside).await;
    let client = connect(&scene.schema.url).await;
    let claims: i64 = client.query_one("SELECT count(*) FROM claims", &[]).await.unwrap().get(0);
    assert_eq!((claims, holding.record().await.unwrap().state), (1, JobState::Running));
    HELD[1].add_permits(1);
    result(&holding).await;
    scene.settled().await;
}

/// A job waits; it may finish.
static ROBBED: [Semaphore; 2] = [const { Semaphore::const_new(0) }; 2];

/// What a job was told that is another worker's by now.
static TOLD: Mutex<Option<Error>> = Mutex::new(None);

/// Finishes in its transaction when it may, unless it was rescued before.
#[job]
async fn robbed(url: String, job: JobContext) -> anyhow::Result<String> {
    if job.rescues() > 0 {
        return Ok("rescued".to_owned());
    }
    let mut client = connect(&url).await;
    let transaction = client.transaction().await?;
    ROBBED[0].add_permits(1);
    ROBBED[1].acquire().await?.forget();
    *TOLD.lock().unwrap() = job.finish_in(&transaction, "too late").await.err();
    ROBBED[0].add_permits(1);
    Ok("too late".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_worker_is_told_so_and_changes_nothing() {
    let scene = Scene::new().await;
    let job = Robbed::dispatch(scene.database()).on(&scene.jobs).await.unwrap();
    let _worker = scene.worker().await;
    ROBBED[0].acquire().await.unwrap().forget();
    let rescue = Rescue { poison_after: 3, now: scene.jobs.now() + Duration::from_secs(3600) };
    assert_eq!(scene.jobs.store().upkeep().unwrap().rescue(rescue).await.unwrap(), [job.id()]);
    ROBBED[1].add_permits(1);
    let told = timeout(LIMIT, ROBBED[0].acquire()).await;
    assert!(told.is_ok(), "the job is told");
    let told = TOLD.lock().unwrap().take();
    assert!(matches!(told, Some(Error::LeaseLost(id)) if id == job.id()), "{told:?}");
    let _other = scene.worker().await;
    assert_eq!(result(&job).await, "rescued");
}
