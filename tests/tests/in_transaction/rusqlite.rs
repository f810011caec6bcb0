use std::time::Duration;

use jobwork::store::Topic;
use jobwork::{App, Batch, Error, JobContext, JobHandle, JobState, Jobs, OnConflict, Unique, chain, job};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;
use tokio::time::timeout;

use super::jobs::{Echo, Exclaim};
use super::scene::{LIMIT, result};

/// A file with the jobs and a table `effects`, and an application's own connection to it.
struct Scene {
    directory: TempDir,
    jobs: Jobs,
    connection: Connection,
}

fn open(directory: &TempDir) -> Connection {
    let connection = Connection::open(directory.path().join("app.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(60)).unwrap();
    connection
}

impl Scene {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let jobs = Jobs::connect(&format!("sqlite:{}", directory.path().join("app.db").display())).await.unwrap();
        let connection = open(&directory);
        connection.execute_batch("CREATE TABLE effects (what TEXT NOT NULL)").unwrap();
        Self { directory, jobs, connection }
    }

    fn count(&self) -> i64 {
        self.connection.query_row("SELECT count(*) FROM effects", [], |row| row.get(0)).unwrap()
    }

    async fn exists<J: jobwork::Job>(&self, job: &JobHandle<J>) -> bool {
        self.jobs.get(job.id()).await.unwrap().is_some()
    }
}

const EFFECT: &str = "INSERT INTO effects VALUES ('an effect')";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_performed_and_what_is_rolled_back_never_was() {
    let mut scene = Scene::new().await;
    let transaction = scene.connection.transaction().unwrap();
    transaction.execute(EFFECT, []).unwrap();
    let lost = Echo::dispatch("lost").on(&scene.jobs).dispatch_in(&transaction).unwrap();
    transaction.rollback().unwrap();
    assert!(!scene.exists(&lost).await);
    assert_eq!(scene.count(), 0);

    let mut hints = scene.jobs.store().wakeups(Topic::Ready);
    let _worker = App::new().jobs(scene.jobs.clone()).spawn().await.unwrap();
    let mut transaction = scene.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute(EFFECT, []).unwrap();
    let kept = Echo::dispatch("kept").on(&scene.jobs).dispatch_in(&mut transaction).unwrap();
    transaction.commit().unwrap();
    timeout(LIMIT, hints.changed()).await.expect("a commit is told of");
    assert_eq!(result(&kept).await, "kept");
    assert_eq!(scene.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_a_chain_and_a_batch_are_stored_with_the_commit() {
    let mut scene = Scene::new().await;
    let (jobs, transaction) = (scene.jobs.clone(), scene.connection.transaction().unwrap());
    let many = Echo::dispatch_many(["a", "b"].map(Echo::new)).on(&jobs).dispatch_in(&transaction).unwrap();
    let chain = chain![Echo, Exclaim].dispatch("x").on(&jobs).dispatch_in(&transaction).unwrap();
    let batch = Batch::new("two").add(Echo::dispatch("c")).add(Echo::dispatch("d")).on(&jobs).dispatch();
    let batch = batch.dispatch_in(&transaction).unwrap();
    batch.add_in(Echo::dispatch("e"), &transaction).unwrap();
    let ids: Vec<_> = many.iter().map(JobHandle::id).chain(chain.ids().iter().copied()).collect();
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    transaction.commit().unwrap();
    let _worker = App::new().jobs(jobs).spawn().await.unwrap();
    assert_eq!((result(&many[0]).await, result(&many[1]).await), ("a".to_owned(), "b".to_owned()));
    assert_eq!(timeout(LIMIT, chain.wait()).await.unwrap().unwrap(), "x!");
    assert_eq!(timeout(LIMIT, batch.wait()).await.unwrap().unwrap().completed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_lets_the_transaction_go_on() {
    let mut scene = Scene::new().await;
    let (jobs, transaction) = (scene.jobs.clone(), scene.connection.transaction().unwrap());
    let fails = || Echo::dispatch("one").unique(Unique::new("key").on_conflict(OnConflict::Error)).on(&jobs);
    let first = fails().dispatch_in(&transaction).unwrap();
    let refused = fails().dispatch_in(&transaction).unwrap_err();
    assert!(matches!(refused, Error::Duplicate { existing: Some(id), .. } if id == first.id()), "{refused}");
    transaction.execute(EFFECT, []).unwrap();
    transaction.commit().unwrap();
    assert_eq!((scene.count(), scene.exists(&first).await), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_and_another_kind_of_store_are_refused_and_named() {
    let mut scene = Scene::new().await;
    let memory = Jobs::connect("memory:").await.unwrap();
    let transaction = scene.connection.transaction().unwrap();
    let refused = Echo::dispatch("lost").on(&memory).dispatch_in(&transaction).unwrap_err();
    assert_eq!(refused.to_string(), "the memory store can't take part in a transaction of an SQLite file");
    drop(transaction);
    let elsewhere = scene.directory.path().join("other.db");
    let mut other = Connection::open(&elsewhere).unwrap();
    let transaction = other.transaction().unwrap();
    let refused = Echo::dispatch("lost").on(&scene.jobs).dispatch_in(&transaction).unwrap_err().to_string();
    let (theirs, ours) = ("other.db, and the jobs are in the file", "app.db: expected one file for both");
    assert!(refused.contains(theirs) && refused.ends_with(ours), "{refused}");
}

/// Has an effect, and completes with it if it commits.
#[job(retries = 1, backoff = "0s")]
pub(crate) fn saving(file: String, commits: bool, fails: bool, job: JobContext) -> anyhow::Result<String> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(EFFECT, [])?;
    job.finish_in(&transaction, "finished")?;
    if commits || job.attempt() > 1 {
        transaction.commit()?;
    } else {
        transaction.rollback()?;
    }
    if fails && job.attempt() == 1 { Err(anyhow::anyhow!("it fails in the end")) } else { Ok("returned".to_owned()) }
}

impl Scene {
    async fn save(&self, commits: bool, fails: bool) -> JobHandle<Saving> {
        let file = self.directory.path().join("app.db").display().to_string();
        Saving::dispatch(file, commits, fails).on(&self.jobs).await.unwrap()
    }

    /// Waits until the worker has said what became of all that it claimed.
    async fn settled(&self) {
        let mut settled = self.jobs.store().wakeups(Topic::Settled);
        let left = "SELECT (SELECT count(*) FROM jobwork_claims) + (SELECT count(*) FROM jobwork_finished_in)";
        let all = timeout(LIMIT, async {
            while self.connection.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
                // Hints are allowed to be missing.
                let _ = timeout(Duration::from_secs(1), settled.changed()).await;
            }
        });
        all.await.expect("all outcomes are written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_commits_is_its_end_whatever_it_returns() {
    let scene = Scene::new().await;
    let _worker = App::new().jobs(scene.jobs.clone()).spawn().await.unwrap();
    for (effects, fails) in (1..).zip([false, true]) {
        let job = scene.save(true, fails).await;
        assert_eq!(result(&job).await, "finished");
        scene.settled().await;
        let record = job.record().await.unwrap();
        assert_eq!((record.state, record.attempt, scene.count()), (JobState::Completed, 1, effects));
        assert_eq!(scene.jobs.history(job.id()).await.unwrap(), []);
        let counts = scene.jobs.inspect().unwrap().counts(scene.jobs.now()).await.unwrap();
        assert_eq!(i64::try_from(counts.completed).unwrap(), effects);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_rolls_back_leaves_its_end_to_what_it_returns() {
    let scene = Scene::new().await;
    let _worker = App::new().jobs(scene.jobs.clone()).spawn().await.unwrap();
    let job = scene.save(false, false).await;
    assert_eq!((result(&job).await.as_str(), scene.count()), ("returned", 0));
    let job = scene.save(false, true).await;
    assert_eq!((result(&job).await.as_str(), scene.count()), ("finished", 1), "its second attempt commits");
    assert_eq!(job.record().await.unwrap().attempt, 2);
}
