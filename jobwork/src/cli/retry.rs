use clap::{ArgMatches, Command};

use super::bulk;
use super::by_hand::{answers, ids, report};
use super::exit::Failure;
use super::out::Out;
use crate::client::{Change, Jobs};
use crate::job::JobState;

pub(super) fn command() -> Command {
    bulk::choosing(
        Command::new("retry").about("Makes jobs that ended or are scheduled ready now, with all their retries"),
    )
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    if bulk::run(args, jobs, out, (Change::Retry, "ready")).await? {
        return Ok(());
    }
    let ids = ids(args);
    let done = jobs.inspect()?.retry(&ids, jobs.now()).await?;
    let answers = answers(jobs, &ids, &done, ("ready", why_not)).await?;
    report(&ids, answers, out)
}

fn why_not(state: JobState) -> &'static str {
    match state {
        JobState::Running => "cancel it first, or wait until it ends",
        JobState::Ready => "there is nothing to retry",
        JobState::Waiting => "retry the job that it waits for",
        _ => "an earlier member of its chain must be retried first",
    }
}
