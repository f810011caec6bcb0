use clap::{ArgMatches, Command};

use super::bulk;
use super::by_hand::{answers, ids, report};
use super::exit::Failure;
use super::out::Out;
use super::root::option;
use crate::client::{Change, Jobs};
use crate::job::JobState;

pub(super) fn command() -> Command {
    bulk::choosing(
        Command::new("requeue")
            .about("Moves jobs that aren't running to another queue; those that ended are retried there"),
    )
    .arg(option("to", "QUEUE", "The queue they are moved to").required(true))
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(queue) = args.get_one::<String>("to") else { return Ok(()) };
    if bulk::run(args, jobs, out, (Change::Requeue(queue), "moved")).await? {
        return Ok(());
    }
    let ids = ids(args);
    let done = jobs.inspect()?.requeue(&ids, queue, jobs.now()).await?;
    report(&ids, answers(jobs, &ids, &done, ("moved", why_not)).await?, out)
}

fn why_not(state: JobState) -> &'static str {
    match state {
        JobState::Running => "cancel it first, or wait until it ends",
        _ => "an earlier member of its chain must be retried first",
    }
}
