use clap::{ArgAction, ArgMatches, Command};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::exit::Failure;
use super::out::Out;
use super::root::{flag, option};
use super::time;
use crate::client::{Change, Jobs};
use crate::job::JobState;
use crate::store::Filter;

pub(super) fn command() -> Command {
    Command::new("prune")
        .about("Forgets jobs that ended long ago, at once and whatever they or the workers say; workers do it by themselves")
        .arg(
            option("older-than", "TIME", "Only those that ended longer ago than this, such as `7d`")
                .required(true)
                .value_parser(time::age),
        )
        .arg(
            option("state", "STATE", "Only those that ended so; may be given several times")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(ended),
        )
        .arg(option("name", "NAME", "Only of this name").visible_alias("job"))
        .arg(flag("dry-run", "Counts the jobs, and changes nothing"))
}

fn ended(text: &str) -> Result<JobState, String> {
    let state: JobState = text.parse().map_err(|error| format!("{error}"))?;
    let problem = || format!("a job that is {state} has not ended: expected completed, cancelled, discarded or dead");
    if state.is_final() { Ok(state) } else { Err(problem()) }
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let age = args.get_one::<SignedDuration>("older-than").copied().unwrap_or_default();
    let mut states: Vec<JobState> = args.get_many("state").unwrap_or_default().copied().collect();
    if states.is_empty() {
        states.extend(JobState::ALL.into_iter().filter(|state| state.is_final()));
    }
    let finished_before = Some(jobs.now().checked_sub(age).unwrap_or(Timestamp::MIN));
    let filter = Filter { states, finished_before, name: args.get_one("name").cloned(), ..Filter::default() };
    let dry = args.get_flag("dry-run");
    let count = if dry {
        jobs.count_all(Change::Delete, &filter).await?
    } else {
        jobs.change_all(Change::Delete, &filter).await?
    };
    if out.is_json() {
        return Ok(out.json(&json!({ "pruned": count, "dry_run": dry }))?);
    }
    Ok(out.line(&if dry { format!("{count} would be pruned") } else { format!("{count} pruned") })?)
}
