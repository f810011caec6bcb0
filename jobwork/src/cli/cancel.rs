use clap::{ArgMatches, Command};

use super::bulk;
use super::by_hand::{Answer, ids, report};
use super::exit::{Exit, Failure};
use super::out::Out;
use crate::client::{Change, Jobs};
use crate::error::Error;
use crate::job::JobId;
use crate::store::CancelAnswer;

pub(super) fn command() -> Command {
    bulk::choosing(
        Command::new("cancel").about("Cancels jobs, with the rest of their chains; a running one is told to stop"),
    )
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    if bulk::run(args, jobs, out, (Change::Cancel, "cancelled")).await? {
        return Ok(());
    }
    let ids = ids(args);
    let answers = jobs.inspect()?.cancel(&ids, jobs.now()).await?;
    let answers = ids.iter().zip(answers).map(|(id, answer)| in_words(*id, answer)).collect();
    report(&ids, answers, out)
}

fn in_words(id: JobId, answer: CancelAnswer) -> Answer {
    match answer {
        CancelAnswer::Cancelled => Ok("cancelled"),
        CancelAnswer::Requested => Ok("requested"),
        CancelAnswer::Ended => Err(Failure::new(Exit::Failed, format!("job {id} had ended before; `show` says how"))),
        CancelAnswer::NotFound => Err(Failure::from(Error::NoSuchJob(id))),
    }
}
