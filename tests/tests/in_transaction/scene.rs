use std::time::Duration;

use jobwork::store::{Topic, Wakeups};
use jobwork::{App, JobHandle, JobId, Jobs, WorkerHandle};
use jobwork_tests::postgres::{Schema, connect, fresh_schema};
use tokio::time::timeout;

use super::jobs::Echo;

/// No test waits longer than this.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A store in a schema of a test's own, and a table `effects` beside its tables.
pub(crate) struct Scene {
    pub(crate) jobs: Jobs,
    pub(crate) schema: Schema,
    hints: Wakeups,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let schema = fresh_schema().await;
        let jobs = Jobs::connect(&schema.url).await.unwrap();
        connect(&schema.url).await.batch_execute("CREATE TABLE effects (what text NOT NULL)").await.unwrap();
        let mut hints = jobs.store().wakeups(Topic::Ready);
        // What begins to listen is told to look once.
        timeout(LIMIT, hints.changed()).await.expect("the store listens");
        Self { jobs, schema, hints }
    }

    /// Where the database is, for other drivers.
    pub(crate) fn database(&self) -> String {
        self.schema.url.split("?").next().unwrap().to_owned()
    }

    /// The table `effects` by its full name.
    pub(crate) fn effects(&self) -> String {
        format!("{}.effects", self.schema.name)
    }

    /// A statement that has an effect.
    pub(crate) fn effect(&self) -> String {
        format!("INSERT INTO {} VALUES ('an effect')", self.effects())
    }

    /// How many effects there were.
    pub(crate) async fn count(&self) -> i64 {
        let client = connect(&self.schema.url).await;
        client.query_one("SELECT count(*) FROM effects", &[]).await.unwrap().get(0)
    }

    pub(crate) async fn exists(&self, id: JobId) -> bool {
        self.jobs.get(id).await.unwrap().is_some()
    }

    /// Waits until the worker has said what became of all that it claimed.
    pub(crate) async fn settled(&self) {
        let mut settled = self.jobs.store().wakeups(Topic::Settled);
        let client = connect(&self.schema.url).await;
        let left = "SELECT (SELECT count(*) FROM claims) + (SELECT count(*) FROM finished_in)";
        let all = timeout(LIMIT, async {
            while client.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0 {
                // Hints are allowed to be missing.
                let _ = timeout(Duration::from_secs(1), settled.changed()).await;
            }
        });
        all.await.expect("all outcomes are written");
    }

    pub(crate) async fn worker(&self) -> WorkerHandle {
        App::new().jobs(self.jobs.clone()).spawn().await.unwrap()
    }

    /// What was rolled back has never been there.
    pub(crate) async fn assert_gone(&self, job: JobHandle<Echo>) {
        assert!(!self.exists(job.id()).await);
        assert_eq!(self.count().await, 0);
    }

    /// What was committed is there, this process was told of it, and it is performed.
    pub(crate) async fn assert_told(&mut self, job: JobHandle<Echo>) {
        assert!(self.exists(job.id()).await);
        assert_eq!(self.count().await, 1);
        timeout(LIMIT, self.hints.changed()).await.expect("a commit is told of");
        let _worker = self.worker().await;
        assert_eq!(result(&job).await, "kept");
    }
}

/// The result of a job, which comes before long.
pub(crate) async fn result<J: jobwork::Job>(job: &JobHandle<J>) -> J::Output {
    timeout(LIMIT, job.wait()).await.expect("the job ends").expect("the job completes")
}
