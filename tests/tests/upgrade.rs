//! Arguments that older versions of a job stored.

use jobwork::{
    DeadReason, FailureKind, Job, JobContext, JobError, JobHandle, JobOptions, JobState, NewJob, Perform, Upgrades,
};
use jobwork_tests::Bench;
use serde::{Deserialize, Serialize};

/// The job of today: version 3.
#[derive(Serialize, Deserialize, Debug)]
struct SendEmail {
    to: Vec<String>,
    cents: i64,
}

/// What version 1 stored.
#[derive(Deserialize)]
struct OneAddress {
    to: String,
}

/// What version 2 stored.
#[derive(Deserialize)]
struct InEuros {
    to: Vec<String>,
    euros: i64,
}

fn from_v1(old: OneAddress) -> InEuros {
    InEuros { to: vec![old.to], euros: 1 }
}

fn from_v2(old: InEuros) -> Result<SendEmail, &'static str> {
    assert_ne!(old.euros, 13, "an unlucky sum");
    let cents = old.euros.checked_mul(100).ok_or("more than there is")?;
    Ok(SendEmail { to: old.to, cents })
}

impl Job for SendEmail {
    type Output = String;
    type Params = (Vec<String>, i64);
    const NAME: &'static str = "send_email";
    const ALIASES: &'static [&'static str] = &["mail"];
    const FIELDS: &'static [&'static str] = &["to", "cents"];
    const OPTIONS: JobOptions = JobOptions::DEFAULT.version(3);
}

impl Perform for SendEmail {
    fn upgrade(version: u32, args: &str) -> Result<Self, JobError> {
        Upgrades::to().from(from_v2).from(from_v1).read(version, args)
    }

    async fn perform(self, _: JobContext) -> Result<String, JobError> {
        Ok(format!("{} pay {}", self.to.join(" and "), self.cents))
    }
}

/// A job of a later version that names no upgrade.
#[derive(Serialize, Deserialize)]
struct Abrupt {}

impl Job for Abrupt {
    type Output = ();
    type Params = ();
    const NAME: &'static str = "abrupt";
    const FIELDS: &'static [&'static str] = &[];
    const OPTIONS: JobOptions = JobOptions::DEFAULT.version(2);
}

impl Perform for Abrupt {
    async fn perform(self, _: JobContext) -> Result<(), JobError> {
        Ok(())
    }
}

/// Performs a job as that version of it was stored under that name.
async fn performed(name: &'static str, version: u32, args: &str) -> (Bench, JobHandle<SendEmail>) {
    let bench = Bench::new();
    let mut new = NewJob::new(name, args);
    new.version = version;
    let id = bench.jobs.push(vec![new]).await.unwrap()[0];
    bench.app().register::<SendEmail>().register::<Abrupt>().run_until_empty().await.unwrap();
    let job = JobHandle::new(id, bench.jobs.clone());
    (bench, job)
}

/// The message of a job that is dead as undecodable, its arguments kept.
async fn undecodable(name: &'static str, version: u32, args: &str) -> String {
    let (bench, job) = performed(name, version, args).await;
    let record = job.record().await.unwrap();
    assert_eq!((record.state, record.attempt, record.args.as_str()), (JobState::Dead, 1, args));
    assert_eq!(record.reason, Some(DeadReason::Undecodable.to_string()));
    let failure = bench.history(job.id()).await.remove(0).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Undecodable);
    failure.message
}

#[tokio::test(start_paused = true)]
async fn each_older_version_is_upgraded_step_by_step() {
    let forms = [
        (1, r#"{"to":"ann"}"#, "ann pay 100"),
        (2, r#"{"to":["ann","bob"],"euros":2}"#, "ann and bob pay 200"),
        (3, r#"{"to":["ann"],"cents":3}"#, "ann pay 3"),
    ];
    for (version, args, output) in forms {
        assert_eq!(performed("send_email", version, args).await.1.wait().await.unwrap(), output);
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_version_under_an_older_name_is_upgraded_too() {
    assert_eq!(performed("mail", 1, r#"{"to":"ann"}"#).await.1.wait().await.unwrap(), "ann pay 100");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_its_own_version_is_undecodable() {
    let message = undecodable("send_email", 2, r#"{"to":"ann"}"#).await;
    assert!(
        message.starts_with("can't upgrade the stored arguments of `send_email` from version 2 to 3: "),
        "{message}"
    );
    assert!(message.contains("expected a sequence"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_fails_leaves_the_job_dead_with_its_arguments() {
    let message = undecodable("send_email", 2, r#"{"to":[],"euros":9223372036854775807}"#).await;
    assert!(message.ends_with("from version 2 to 3: more than there is"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_panics_leaves_the_job_dead_with_its_arguments() {
    let message = undecodable("send_email", 2, r#"{"to":[],"euros":13}"#).await;
    assert!(message.contains("panicked: ") && message.contains("an unlucky sum"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_version_without_an_upgrade_is_undecodable_and_says_what_to_do() {
    let message = undecodable("abrupt", 1, "{}").await;
    let hint =
        "this program reads version 2 and has no upgrade from theirs: name one in `#[job(version = 2, upgrade = ..)]`";
    assert!(message.contains(hint), "{message}");
    assert!(undecodable("send_email", 0, "{}").await.contains("are of version 0"));
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_is_left_for_a_newer_worker() {
    let (_bench, job) = performed("send_email", 4, "{}").await;
    assert_eq!(job.status().await.unwrap(), JobState::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_stores_the_version_of_today() {
    let bench = Bench::new();
    let job = jobwork::Dispatch::new(SendEmail { to: Vec::new(), cents: 1 }).on(&bench.jobs).await.unwrap();
    assert_eq!(job.record().await.unwrap().version, 3);
}
