//! A job that commits its own success: wherever its worker dies, the effects and the end are both there or both not.

use jobwork::JobState;
use jobwork_tests::postgres::connect;
use jobwork_tests::signalled::Purchase;
use rustix::process::Signal;

use super::process::Process;
use super::store::{Store, result, workers};

/// The database of a store, with a table `effects` beside the store's own.
enum Database {
    File(String),
    Schema(String),
}

impl Database {
    async fn of(store: &Store) -> Self {
        let url = store.url();
        let file = url.strip_prefix("sqlite:").map(str::to_owned);
        let database = file.map_or(Self::Schema(url), Self::File);
        let table = "CREATE TABLE effects (what text NOT NULL)";
        match &database {
            Self::File(file) => rusqlite::Connection::open(file).unwrap().execute_batch(table).unwrap(),
            Self::Schema(url) => connect(url).await.batch_execute(table).await.unwrap(),
        }
        database
    }

    /// The drivers of such a database, and where they find it.
    fn drivers(&self) -> (&'static [&'static str], &str) {
        match self {
            Self::File(file) => (&["rusqlite"], file),
            Self::Schema(url) => (&["tokio-postgres", "sqlx"], url),
        }
    }

    async fn count(&self, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        match self {
            Self::File(file) => {
                rusqlite::Connection::open(file).unwrap().query_row(&count, [], |row| row.get(0)).unwrap()
            }
            Self::Schema(url) => connect(url).await.query_one(&count, &[]).await.unwrap().get(0),
        }
    }

    /// How many claims there are, and jobs that they have not counted.
    async fn claims(&self) -> (i64, i64) {
        let prefix = if matches!(self, Self::File(_)) { "jobwork_" } else { "" };
        (self.count(&format!("{prefix}claims")).await, self.count(&format!("{prefix}finished_in")).await)
    }
}

/// Kills the worker once the job has said this, after these steps of it were released.
async fn die(steps: &[&str], said: &str) {
    let store = Store::new().await;
    let database = Database::of(&store).await;
    let (drivers, place) = database.drivers();
    for (before, driver) in (0..).zip(drivers) {
        let job = store.dispatch(Purchase::dispatch(*driver, place)).await;
        let mut dying = Process::worker(&store, &[]);
        steps.iter().for_each(|step| dying.release(step));
        dying.expect(said);
        dying.signal(Signal::KILL);
        dying.exited();

        let committed = said == "committed";
        let expected = if committed { (before + 1, JobState::Completed) } else { (before, JobState::Running) };
        let found = (database.count("effects").await, job.record().await.unwrap().state);
        assert_eq!(found, expected, "{driver}");

        let mut next = Process::worker(&store, &[]);
        if !committed {
            next.expect("began");
            next.release("all");
        }
        assert_eq!(result(&job).await, "finished");
        store.until(async |jobs| (workers(jobs).await.len() == 1).then_some(())).await;
        next.signal(Signal::TERM);
        next.report();
        assert_eq!(next.has_seen("began"), !committed);
        let record = job.record().await.unwrap();
        let found = (record.state, record.attempt, record.rescues, database.count("effects").await);
        assert_eq!(found, (JobState::Completed, 1, u32::from(!committed), before + 1), "{driver}");
        assert_eq!(database.claims().await, (0, 0), "{driver}");
    }
}

#[tokio::test]
async fn a_death_before_the_job_finishes_in_its_transaction_leaves_nothing() {
    die(&[], "began").await;
}

#[tokio::test]
async fn a_death_between_finishing_and_committing_leaves_nothing() {
    die(&["finish"], "finished").await;
}

#[tokio::test]
async fn a_death_after_the_commit_leaves_the_effect_and_the_end() {
    die(&["finish", "commit"], "committed").await;
}
