//! Changes of many jobs: those that are named by their ids, or those that the options choose.

use clap::{ArgMatches, Command};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::filter;
use super::out::Out;
use super::root::{flag, ids};
use crate::client::{Change, Jobs};

/// The command with ids, or options that choose jobs.
pub(super) fn choosing(command: Command) -> Command {
    command
        .arg(ids().required(false))
        .args(filter::args())
        .arg(flag("all", "Every job, where no option chooses some"))
        .arg(flag("dry-run", "Counts the jobs, and changes nothing"))
}

/// Changes the jobs that options choose, and says that it did; `false` where ids are given instead.
pub(super) async fn run(
    args: &ArgMatches,
    jobs: &Jobs,
    out: &mut Out<'_>,
    (change, done): (Change<'_>, &str),
) -> Result<bool, Failure> {
    let (named, chosen) = (args.contains_id("id"), filter::is_given(args));
    let (all, dry) = (args.get_flag("all"), args.get_flag("dry-run"));
    let wrong = match (named, chosen || all) {
        (true, true) => "give ids, or options that choose jobs, not both",
        (true, false) if dry => "`--dry-run` counts the jobs that options choose: give such options instead of ids",
        (true, false) => return Ok(false),
        (false, false) => "nothing says which jobs: give ids, options such as `--state dead`, or `--all`",
        (false, true) if chosen && all => "`--all` is for every job: leave it out, or the options that choose some",
        (false, true) => return change_chosen(args, jobs, out, (change, done, dry)).await.map(|()| true),
    };
    Err(Failure::new(Exit::Usage, wrong))
}

async fn change_chosen(
    args: &ArgMatches,
    jobs: &Jobs,
    out: &mut Out<'_>,
    (change, done, dry): (Change<'_>, &str, bool),
) -> Result<(), Failure> {
    let filter = filter::read(args, jobs.now());
    let count = if dry { jobs.count_all(change, &filter).await? } else { jobs.change_all(change, &filter).await? };
    if out.is_json() {
        return Ok(out.json(&json!({ "answer": done, "jobs": count, "dry_run": dry }))?);
    }
    let word = if count == 1 { "job" } else { "jobs" };
    Ok(out.line(&if dry { format!("{count} {word} would be {done}") } else { format!("{count} {word} {done}") })?)
}
