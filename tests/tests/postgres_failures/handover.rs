//! Jobs that are handed over in the statement that stores them, to a worker that waits.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use jiff::Timestamp;
use jobwork::store::postgres::Postgres;
use jobwork::store::{Batch, BeatKind, Claim, Push, Rescue, Store, Target};
use jobwork::{JobState, NewJob, Result};
use jobwork_tests::postgres::proxy::{Fate, Proxy};
use jobwork_tests::postgres::{Schema, connect, fresh_schema};

use super::setting::{all, beat, claim, completed, join, push, request, states, until};

/// A store with a worker that waits.
struct Setting {
    schema: Schema,
    store: Postgres,
    claim: Claim,
}

impl Setting {
    async fn new() -> Self {
        let schema = fresh_schema().await;
        let store = Postgres::open(&schema.url).await.unwrap();
        Self::on(schema, store).await
    }

    async fn on(schema: Schema, store: Postgres) -> Self {
        let claim = request(join(&store).await);
        Self { schema, store, claim }
    }

    /// The worker looks, finds nothing, and waits.
    async fn stands(&self) -> Pin<Box<dyn Future<Output = Result<Batch>> + Send + '_>> {
        assert!(self.store.claim(self.claim.clone()).await.unwrap().jobs.is_empty());
        let mut standing = self.store.claim_when_ready(self.claim.clone());
        assert!(is_pending(standing.as_mut()).await);
        standing
    }

    async fn do_sql(&self, statement: &str) {
        connect(&self.schema.url).await.batch_execute(statement).await.unwrap();
    }
}

async fn is_pending(mut standing: Pin<&mut (dyn Future<Output = Result<Batch>> + Send + '_)>) -> bool {
    poll_fn(|context| Poll::Ready(standing.as_mut().poll(context).is_pending())).await
}

/// No job can come into the line.
const NO_LINE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no line'; END $$;
    CREATE TRIGGER no_line BEFORE INSERT ON ready FOR EACH ROW EXECUTE FUNCTION refuse()";

#[tokio::test]
async fn jobs_that_are_handed_over_never_stand_in_the_line() {
    let setting = Setting::new().await;
    setting.do_sql(NO_LINE).await;
    for count in [1, 5] {
        let standing = setting.stands().await;
        let jobs = push(&setting.store, count).await;
        let handed = standing.await.unwrap().jobs;
        assert_eq!(handed.iter().map(|job| job.lease.job).collect::<Vec<_>>(), jobs);
        assert_eq!(states(&setting.store, &jobs).await, vec![(JobState::Running, 1); count]);
        setting.store.finish(all(&handed, &completed())).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_worker_is_handed_is_what_it_would_have_claimed() {
    let setting = Setting::new().await;
    let mut job = NewJob::new("job", "{\"text\":\"a\\u0000b \u{fdd0} \0\"}");
    (job.priority, job.retries) = (7, 3);
    let new = |job: &NewJob| Push::of(vec![job.clone()], Timestamp::now());
    let standing = setting.stands().await;
    setting.store.push(new(&job)).await.unwrap();
    let handed = standing.await.unwrap().jobs.remove(0);
    setting.store.claim(Claim { limit: 0, ..setting.claim.clone() }).await.unwrap();
    setting.store.push(new(&job)).await.unwrap();
    let mut claimed = claim(&setting.store, setting.claim.worker).await.remove(0);
    (claimed.lease, claimed.created_at, claimed.run_at) = (handed.lease, handed.created_at, handed.run_at);
    assert_eq!(handed, claimed);
}

#[tokio::test]
async fn nothing_is_handed_over_past_a_pause_or_a_limit_of_another_process() {
    let setting = Setting::new().await;
    let other = Postgres::open(&setting.schema.url).await.unwrap();
    let mut standing = setting.stands().await;
    other.control().unwrap().pause(&Target::Queue("default".to_owned()), None, Timestamp::now()).await.unwrap();
    let jobs = push(&setting.store, 2).await;
    assert!(is_pending(standing.as_mut()).await);
    drop(standing);
    assert_eq!(states(&setting.store, &jobs).await, [(JobState::Ready, 0); 2]);
    assert!(claim(&setting.store, setting.claim.worker).await.is_empty());
}

#[tokio::test]
async fn a_worker_that_was_declared_dead_is_handed_nothing() {
    let setting = Setting::new().await;
    let mut standing = setting.stands().await;
    let later = setting.claim.now + std::time::Duration::from_secs(3600);
    setting.store.upkeep().unwrap().rescue(Rescue { poison_after: 3, now: later }).await.unwrap();
    let jobs = push(&setting.store, 2).await;
    assert!(is_pending(standing.as_mut()).await);
    drop(standing);
    let other = join(&setting.store).await;
    assert_eq!(claim(&setting.store, other).await.len(), jobs.len());
}

#[tokio::test]
async fn jobs_that_were_handed_over_by_a_push_whose_answer_was_lost_are_ready_again() {
    let schema = fresh_schema().await;
    let proxy = Proxy::start(&schema.url).await;
    let direct = Postgres::open(&schema.url).await.unwrap();
    let store = Postgres::open(&proxy.url).await.unwrap();
    let setting = Setting::on(schema, store).await;
    let mut standing = setting.stands().await;
    proxy.set_trap(".hand_alike(", Fate::LoseAnswer);
    let push = Push::of(vec![NewJob::new("job", "{}"); 3], Timestamp::now());
    let error = setting.store.push(push).await.unwrap_err().to_string();
    assert!(error.contains("may have been stored, or may not"), "{error}");
    assert!(is_pending(standing.as_mut()).await);
    drop(standing);
    let other = join(&direct).await;
    let again = until(async || Some(claim(&direct, other).await).filter(|jobs| !jobs.is_empty())).await;
    assert_eq!(again.iter().map(|job| (job.lease.attempt, job.rescues)).collect::<Vec<_>>(), [(1, 0); 3]);
}

#[tokio::test]
async fn what_is_handed_to_a_blocked_worker_and_not_taken_goes_to_another() {
    let setting = Setting::new().await;
    let other = join(&setting.store).await;
    let standing = setting.stands().await;
    let jobs = push(&setting.store, 2).await;
    assert_eq!(states(&setting.store, &jobs).await, [(JobState::Running, 1); 2]);
    // The worker's runtime is blocked, so nothing polls its claim; beats come from a thread of its own.
    let beats = async || {
        beat(&setting.store, setting.claim.worker, BeatKind::Live).await;
        Some(claim(&setting.store, other).await).filter(|jobs| !jobs.is_empty())
    };
    let taken = until(beats).await;
    assert_eq!(
        taken.iter().map(|job| (job.lease.job, job.lease.attempt)).collect::<Vec<_>>(),
        [(jobs[0], 1), (jobs[1], 1)]
    );
    assert!(standing.await.unwrap().jobs.is_empty(), "they were taken back");
}
