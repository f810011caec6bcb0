use clap::{ArgMatches, Command};

use super::bulk;
use super::by_hand::{answers, ids, report};
use super::exit::Failure;
use super::out::Out;
use crate::client::{Change, Jobs};

pub(super) fn command() -> Command {
    bulk::choosing(
        Command::new("delete").about("Forgets jobs that aren't running; what waits for them in a chain is cancelled"),
    )
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    if bulk::run(args, jobs, out, (Change::Delete, "deleted")).await? {
        return Ok(());
    }
    let ids = ids(args);
    let done = jobs.inspect()?.delete(&ids, jobs.now()).await?;
    let answers = answers(jobs, &ids, &done, ("deleted", |_| "cancel it first, or wait until it ends")).await?;
    report(&ids, answers, out)
}
