//! A job commits its own success: its effects and its end are one.

use jobwork::{JobContext, JobState, job};

use super::scene::{Scene, result};
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
