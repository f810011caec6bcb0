//! Arguments and outputs that are encrypted where they rest.

use std::time::Duration;

use jobwork::testing::TestApp;
use jobwork::{
    App, Batch, Claimed, DeadReason, Dispatch, Error, FailureKind, Job, JobContext, JobError, JobHandle, JobOptions,
    JobState, Jobs, Keyring, Lease, NewJob, Perform, Record, WorkerId, chain, job,
};
use jobwork_tests::{Bench, Events};
use serde::{Deserialize, Serialize};

/// A job whose arguments nobody is to read.
#[derive(Serialize, Deserialize, Debug)]
struct Charge {
    card: String,
    amount: u32,
}

impl Job for Charge {
    type Output = String;
    type Params = (String, u32);
    const NAME: &'static str = "charge";
    const FIELDS: &'static [&'static str] = &["card", "amount"];
    const OPTIONS: JobOptions = JobOptions::DEFAULT.encrypted(true).retries(0);
}

impl Perform for Charge {
    async fn perform(self, _: JobContext) -> Result<String, JobError> {
        Ok(format!("receipt of {} for {}", self.amount, self.card))
    }
}

#[job]
async fn price(item: String) -> Result<u32, JobError> {
    Ok(item.len() as u32)
}

#[job]
async fn file_receipt(receipt: String, job: JobContext) -> Result<String, JobError> {
    assert!(!job.args().contains("4111 1111"), "{}", job.args());
    Ok(receipt)
}

fn ring(id: &str, byte: u8) -> Keyring {
    Keyring::new(id, [byte; 32])
}

fn charge() -> Charge {
    Charge { card: "4111 1111".to_owned(), amount: 7 }
}

fn app(bench: &Bench, keyring: Keyring) -> App {
    bench.app().register::<Charge>().keyring(keyring)
}

/// All that a store keeps of a job.
fn at_rest(job: &Record) -> String {
    serde_json::to_string(job).unwrap()
}

/// Checks that this is an encrypted job, and tells nothing.
fn assert_sealed(job: &Record) {
    assert_eq!(job.name, "charge");
    assert!(job.args.contains(r#"{"$encrypted":{"key":"a","#), "{}", job.args);
    assert!(!at_rest(job).contains("4111 1111"), "{}", at_rest(job));
}

async fn dispatched(bench: &Bench, keyring: Keyring) -> JobHandle<Charge> {
    Dispatch::new(charge()).on(&bench.jobs.clone().with_keyring(keyring)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn neither_arguments_nor_output_are_ever_stored_as_they_are() {
    let bench = Bench::new();
    let job = dispatched(&bench, ring("a", 1)).await;
    let stored = job.record().await.unwrap();
    assert!(stored.args.starts_with(r#"{"$encrypted":{"key":"a","#), "{}", stored.args);
    app(&bench, ring("a", 1)).run_until_empty().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), "receipt of 7 for 4111 1111");
    let stored = job.record().await.unwrap();
    assert_eq!(stored.state, JobState::Completed);
    assert!(!at_rest(&stored).contains("4111 1111"), "{}", at_rest(&stored));
}

#[tokio::test(start_paused = true)]
async fn what_is_encrypted_is_printed_as_nothing_else() {
    let bench = Bench::new();
    let job = dispatched(&bench, ring("a", 1)).await;
    let stored = job.record().await.unwrap();
    let lease = Lease { job: job.id(), attempt: 1, worker: WorkerId::fresh(), claim: 1 };
    let claimed = |args: String| Claimed::new(lease, "charge".into(), "default".into(), args, stored.created_at);
    let printed = [format!("{:?}", claimed(stored.args.clone())), format!("{stored:#?}")];
    for printed in printed {
        assert!(printed.contains(r#"args: "<encrypted>""#) && !printed.contains("$encrypted"), "{printed}");
        assert!(printed.contains("name: \"charge\"") && printed.contains("batch: None"), "{printed}");
    }
    assert!(format!("{:?}", claimed(r#"{"item":"bread"}"#.to_owned())).contains("bread"), "all else is printed");
}

#[tokio::test(start_paused = true)]
async fn an_older_key_still_decrypts_and_the_current_one_encrypts() {
    let bench = Bench::new();
    let before = dispatched(&bench, ring("a", 1)).await;
    let after = dispatched(&bench, ring("b", 2).older("a", [1; 32])).await;
    assert!(after.record().await.unwrap().args.contains(r#""key":"b""#));
    app(&bench, ring("b", 2).older("a", [1; 32])).run_until_empty().await.unwrap();
    let reader = bench.jobs.clone().with_keyring(ring("b", 2));
    for job in [before, after] {
        let job = JobHandle::<Charge>::new(job.id(), reader.clone());
        assert_eq!(job.wait().await.unwrap(), "receipt of 7 for 4111 1111");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_key_is_unknown_is_dead_and_can_be_retried_once_the_key_is_there() {
    let bench = Bench::new();
    let job = dispatched(&bench, ring("a", 1)).await;
    app(&bench, ring("b", 2)).run_until_empty().await.unwrap();
    let stored = job.record().await.unwrap();
    assert_eq!((stored.state, stored.reason), (JobState::Dead, Some(DeadReason::Undecodable.to_string())));
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Undecodable);
    assert!(failure.message.contains("it takes the key `a`"), "{}", failure.message);
    assert!(job.retry().await.unwrap());
    app(&bench, ring("b", 2).older("a", [1; 32])).run_until_empty().await.unwrap();
    assert_eq!(job.status().await.unwrap(), JobState::Completed);
}

#[tokio::test(start_paused = true)]
async fn without_a_keyring_nothing_is_dispatched_and_no_worker_starts() {
    let bench = Bench::new();
    let error = Dispatch::new(charge()).on(&bench.jobs).await.unwrap_err();
    assert!(matches!(error, Error::Encryption(_)));
    let expected = "can't encrypt the arguments of job `charge`: there is no keyring";
    assert!(error.to_string().starts_with(expected), "{error}");
    assert!(!bench.events.all().contains(&"push 1".to_owned()));
    let error = bench.app().register::<Charge>().run_until_empty().await.unwrap_err().to_string();
    assert!(error.starts_with("can't decrypt the arguments of `charge` (tests/tests/encryption.rs:"), "{error}");
    assert!(error.contains("JOBWORK_KEYS"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn hooks_see_arguments_before_they_are_encrypted_and_print_none() {
    let bench = Bench::new();
    let events = Events::default();
    let seen = events.clone();
    let hook = move |job: &mut NewJob| {
        seen.push(format!("{job:?}"));
        job.args = job.args.replace("4111 1111", "5500");
        Ok::<(), Error>(())
    };
    let jobs: Jobs = bench.jobs.clone().on_dispatch(hook).with_keyring(ring("a", 1));
    let job = Dispatch::new(charge()).on(&jobs).await.unwrap();
    app(&bench, ring("a", 1)).run_until_empty().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), "receipt of 7 for 5500");
    assert!(
        events.all().iter().all(|seen| seen.contains("<encrypted>") && !seen.contains("4111 1111")),
        "{:?}",
        events.all()
    );
}

#[tokio::test(start_paused = true)]
async fn a_chain_carries_outputs_into_and_out_of_encrypted_arguments() {
    let bench = Bench::new();
    let jobs = bench.jobs.clone().with_keyring(ring("a", 1));
    let steps = chain![Price("bread"), Charge("4111 1111", _), FileReceipt];
    let chain = steps.dispatch().on(&jobs).await.unwrap();
    assert_sealed(&chain.members().await.unwrap()[1]);
    app(&bench, ring("a", 1)).run_until_empty().await.unwrap();
    assert_eq!(chain.wait().await.unwrap(), "receipt of 5 for 4111 1111");
    let members = chain.members().await.unwrap();
    assert!(members[1].args.contains(r#""amount":5"#), "{}", members[1].args);
    assert!(members[..2].iter().all(|member| !at_rest(member).contains("4111 1111")));
    assert!(!members[2].args.contains("4111 1111"), "{}", members[2].args);
}

#[tokio::test(start_paused = true)]
async fn members_and_callbacks_of_a_batch_are_encrypted_also_when_they_are_added_later() {
    let bench = Bench::new();
    let jobs = bench.jobs.clone().with_keyring(ring("a", 1));
    let inner = Batch::new("inner").add(chain![Price("bread"), Charge("4111 1111", _)].dispatch());
    let batch = Batch::new("outer").add(Dispatch::new(charge())).add_many([charge()]).add(inner);
    let batch = batch.on(&jobs).on_success(Dispatch::new(charge())).dispatch().await.unwrap();
    batch.add(Dispatch::new(charge())).await.unwrap();
    let stored = bench.jobs.list(&Default::default()).await.unwrap();
    let charges: Vec<&Record> = stored.iter().filter(|job| job.name == "charge").collect();
    assert_eq!((stored.len(), charges.len()), (6, 5));
    charges.into_iter().for_each(assert_sealed);
    app(&bench, ring("a", 1)).run_until_empty().await.unwrap();
    let performed = bench.jobs.list(&Default::default()).await.unwrap();
    assert!(performed.iter().all(|job| job.state == JobState::Completed), "{performed:?}");
}

#[tokio::test]
async fn jobs_of_a_schedule_are_encrypted() {
    let app = App::new().register::<Charge>().keyring(ring("a", 1)).state(Events::default());
    let app = app.cron("charges", "@hourly", || Dispatch::new(charge()));
    let app = TestApp::at(app, "2027-05-01T00:30:00Z".parse().unwrap()).await;
    let drained = app.advance(Duration::from_secs(3600)).await;
    assert_eq!(drained.to_string(), "charge completed");
    assert_sealed(&drained.jobs()[0]);
    let handle = JobHandle::<Charge>::new(drained.jobs()[0].id, app.jobs().clone());
    assert_eq!(handle.wait().await.unwrap(), "receipt of 7 for 4111 1111");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_once_it_is_decrypted_does_not_tell_what_it_is() {
    let bench = Bench::new();
    let mut new = NewJob::new("charge", r#"{"card":"4111 1111","amount":"4111 1111"}"#);
    new.encrypted = true;
    let id = bench.jobs.clone().with_keyring(ring("a", 1)).push(vec![new]).await.unwrap()[0];
    app(&bench, ring("a", 1)).run_until_empty().await.unwrap();
    let failure = bench.history(id).await.remove(0).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Undecodable);
    assert!(!format!("{failure:?}").contains("4111 1111"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn arguments_from_before_the_job_was_encrypted_are_performed_as_they_are() {
    let bench = Bench::new();
    let id = bench.jobs.push(vec![NewJob::new("charge", r#"{"card":"4111 1111","amount":1}"#)]).await.unwrap()[0];
    app(&bench, ring("a", 1)).run_until_empty().await.unwrap();
    assert_eq!(bench.record(id).await.state, JobState::Completed);
}
