//! What a job can say through its error, and what becomes of it.

use std::time::Duration;

use jobwork::{DeadReason, FailureKind, JobError, JobState, Verdict, job};
use jobwork_tests::Bench;

/// A job that says this in its first attempts and then succeeds.
#[job(retries = 2, backoff = "10s")]
async fn says(what: String, job: jobwork::JobContext) -> Result<u32, JobError> {
    match what.as_str() {
        "retry after" if job.attempt() == 1 => Err(JobError::retry_after(Duration::from_secs(90))),
        "always retry after" => Err(JobError::retry_after(Duration::from_secs(1))),
        "snooze" if job.started_at().duration_since(job.created_at()).as_secs() < 50 => {
            Err(JobError::snooze(Duration::from_secs(60)))
        }
        "discard" => Err(JobError::discard("the user is gone")),
        "dead" => Err(JobError::dead("the card is stolen")),
        "fail" => Err(JobError::new("no luck")),
        _ => Ok(job.attempt()),
    }
}

async fn run(what: &str) -> (Bench, jobwork::JobHandle<Says>) {
    let bench = Bench::new();
    let job = Says::dispatch(what).on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    (bench, job)
}

async fn seconds_until_due(bench: &Bench, job: &jobwork::JobHandle<Says>) -> i64 {
    job.record().await.unwrap().run_at.duration_since(bench.jobs.now()).as_secs()
}

#[tokio::test(start_paused = true)]
async fn retry_after_takes_the_place_of_the_backoff_and_uses_an_attempt() {
    let (bench, job) = run("retry after").await;
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Scheduled, 1));
    assert_eq!(seconds_until_due(&bench, &job).await, 90);
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), 2);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn retry_after_does_not_outlast_the_retries() {
    let bench = Bench::new();
    let job = Says::dispatch("always retry after").on(&bench.jobs).await.unwrap();
    let worker = bench.app().spawn().await.unwrap();
    job.wait().await.unwrap_err();
    worker.stop_and_wait().await;
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Dead, 3));
    assert_eq!(record.reason, Some(DeadReason::Exhausted.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_snooze_uses_no_attempt_and_records_no_error() {
    let (bench, job) = run("snooze").await;
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Scheduled, 0));
    assert_eq!(seconds_until_due(&bench, &job).await, 60);
    assert!(bench.history(job.id()).await.iter().all(|attempt| attempt.failure.is_none()));
    let worker = bench.app().spawn().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), 1);
    worker.stop_and_wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_discarded_job_ends_without_a_failure() {
    let (bench, job) = run("discard").await;
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.reason.as_deref()), (JobState::Discarded, Some("the user is gone")));
    assert_eq!(bench.story(job.id()).await, ["discarded"]);
    assert!(
        matches!(job.wait().await, Err(jobwork::WaitError::Discarded { reason, .. }) if reason == "the user is gone")
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_dead_by_its_own_word_is_not_retried() {
    let (bench, job) = run("dead").await;
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Dead, 1));
    assert_eq!(record.reason, Some(DeadReason::ItsOwnWord.to_string()));
    assert_eq!(bench.story(job.id()).await, ["dead: the card is stolen"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_its_backoff_plus_jitter() {
    let (bench, job) = run("fail").await;
    assert_eq!(job.status().await.unwrap(), JobState::Scheduled);
    let due = seconds_until_due(&bench, &job).await;
    assert!((10..=11).contains(&due), "{due}");
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_found_inside_of_other_errors() {
    #[derive(Debug, thiserror::Error)]
    enum MailError {
        #[error("the server is busy")]
        Busy(#[source] JobError),
    }
    #[job]
    async fn mails() -> Result<(), anyhow::Error> {
        let busy = MailError::Busy(JobError::snooze(Duration::from_secs(5)));
        Err(anyhow::Error::from(busy).context("while mailing"))
    }
    let bench = Bench::new();
    let job = Mails::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Scheduled, 0));
}

fn worth(error: &JobError) -> bool {
    error.kind() != FailureKind::Panic && error.message() != "hopeless"
}

#[job(retries = 5, retry_if = worth)]
async fn tried(error: String) -> Result<(), String> {
    assert!(error != "panic", "at once");
    Err(error)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_worth_retrying_is_dead_at_once() {
    let bench = Bench::new();
    let mut states = Vec::new();
    for error in ["hopeless", "flaky", "panic"] {
        let job = Tried::dispatch(error).on(&bench.jobs).await.unwrap();
        bench.app().run_until_empty().await.unwrap();
        let record = job.record().await.unwrap();
        states.push((record.state, record.reason));
    }
    let dead = (JobState::Dead, Some(DeadReason::NotWorthRetrying.to_string()));
    assert_eq!(states, [dead.clone(), (JobState::Scheduled, None), dead]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_keeps_its_message_and_its_backtrace() {
    #[job(retries = 0)]
    async fn panics_after_a_while(n: u32) {
        tokio::task::yield_now().await;
        panic!("number {n} is bad")
    }
    let bench = Bench::new();
    let job = PanicsAfterAWhile::dispatch(13).on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Panic, "panicked: number 13 is bad"));
    let detail = failure.detail.unwrap();
    assert!(detail.contains("verdicts.rs") && detail.contains("panics_after_a_while"), "{detail}");
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a guard broke");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_finished_job_fails_it() {
    #[job(retries = 0)]
    async fn drops_badly() {
        let _guard = PanicsInDrop;
        tokio::task::yield_now().await;
    }
    let bench = Bench::new();
    let job = DropsBadly::dispatch().on(&bench.jobs).await.unwrap();
    bench.app().run_until_empty().await.unwrap();
    assert_eq!(bench.story(job.id()).await, ["dead: panicked: a guard broke"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_an_overrun_job_hurts_nobody() {
    #[job(timeout = "1s")]
    async fn overruns_and_drops_badly() {
        let _guard = PanicsInDrop;
        std::future::pending::<()>().await;
    }
    let bench = Bench::new();
    let job = OverrunsAndDropsBadly::dispatch().retries(0).on(&bench.jobs).await.unwrap();
    // With one slot, which the broken job must give back.
    let app = bench.app().concurrency(1);
    Says::dispatch("ok").on(&bench.jobs).await.unwrap();
    assert_eq!(app.run_until_empty().await.unwrap().completed, 1);
    assert_eq!(bench.story(job.id()).await, ["dead: took longer than its timeout"]);
}

#[test]
fn a_verdict_can_be_read_from_the_error() {
    assert_eq!(JobError::dead("no").verdict(), Some(&Verdict::Dead("no".to_owned())));
}
