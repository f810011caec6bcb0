//! What a job is given beside its arguments.

use jobwork::{App, CancelSignal, Inject, JobContext, JobError, Jobs, State, job};
use jobwork_tests::{Bench, Events};

/// Whose job it is, by its tag.
#[derive(Debug)]
struct Tenant(String);

impl Inject for Tenant {
    fn inject(job: &JobContext) -> Result<Self, JobError> {
        let tag = job.tags().iter().find_map(|tag| tag.strip_prefix("tenant:"));
        tag.map(|name| Self(name.to_owned())).ok_or_else(|| JobError::dead("dispatched without a tenant"))
    }
}

#[derive(Debug)]
struct Mailer(&'static str);

#[job]
async fn bills(amount: u32, #[inject] tenant: Tenant, mailer: State<Mailer>) -> Result<String, JobError> {
    Ok(format!("{} owes {amount}, says {}", tenant.0, mailer.0.0))
}

const BILLS_AT: u32 = line!() - 4;

#[tokio::test(start_paused = true)]
async fn a_type_of_ones_own_and_a_state_are_injected() {
    let bench = Bench::new();
    let job = Bills::dispatch(7).tag("tenant:ann").on(&bench.jobs).await.unwrap();
    bench.app().state(Mailer("smtp")).run_until_empty().await.unwrap();
    assert_eq!(job.wait().await.unwrap(), "ann owes 7, says smtp");
}

#[tokio::test(start_paused = true)]
async fn an_injection_that_fails_fails_the_attempt() {
    let bench = Bench::new();
    let job = Bills::dispatch(7).on(&bench.jobs).await.unwrap();
    bench.app().state(Mailer("smtp")).run_until_empty().await.unwrap();
    assert_eq!(bench.story(job.id()).await, ["dead: dispatched without a tenant"]);
}

#[tokio::test(start_paused = true)]
async fn the_second_state_of_a_type_replaces_the_first() {
    let bench = Bench::new();
    let job = Bills::dispatch(7).tag("tenant:ann").on(&bench.jobs).await.unwrap();
    bench.app().state(Mailer("smtp")).state(Mailer("pigeon")).run_until_empty().await.unwrap();
    assert!(job.wait().await.unwrap().ends_with("pigeon"));
}

#[tokio::test]
async fn a_state_that_is_missing_names_the_job_its_place_and_the_type() {
    let jobs = Jobs::connect("memory:").await.unwrap();
    let error = App::new().jobs(jobs).state(Events::default()).run_until_empty().await.unwrap_err().to_string();
    for part in ["`bills`", &format!("injection.rs:{BILLS_AT}"), "injection::Mailer", ".state(..)"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[tokio::test]
async fn every_state_that_is_missing_is_named_at_once() {
    let jobs = Jobs::connect("memory:").await.unwrap();
    let error = App::new().jobs(jobs).run_until_empty().await.unwrap_err().to_string();
    assert!(error.contains("injection::Mailer") && error.contains("Events"), "{error}");
}

#[job(queue = "special", priority = 4, retries = 2)]
async fn knows_itself(job: JobContext, cancel: CancelSignal, events: State<Events>) {
    let never = !cancel.is_cancelled() && job.chain().is_none() && job.rescues() == 0;
    events.push(format!(
        "{} {} {} {:?} attempt {}, {} left, {never}",
        job.name(),
        job.queue(),
        job.priority(),
        job.tags(),
        job.attempt(),
        job.retries_left()
    ));
}

#[tokio::test(start_paused = true)]
async fn a_job_knows_itself() {
    let bench = Bench::new();
    KnowsItself::dispatch().tag("a").tag("b").on(&bench.jobs).await.unwrap();
    bench.app().state(Mailer("smtp")).run_until_empty().await.unwrap();
    bench.events.wait(r#"knows_itself special 4 ["a", "b"] attempt 1, 2 left, true"#).await;
}

#[tokio::test]
async fn the_function_can_still_be_called_by_itself() {
    let tenant = Tenant("bob".to_owned());
    let said = bills(3, tenant, State::new(Mailer("paper"))).await.unwrap();
    assert_eq!(said, "bob owes 3, says paper");
}
