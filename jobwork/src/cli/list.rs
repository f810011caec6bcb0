use clap::{ArgAction, ArgMatches, Command, value_parser};
use jiff::Timestamp;

use super::exit::Failure;
use super::out::{Out, Row};
use super::public::{public, state};
use super::root::{batch_id, job_id, option};
use super::time;
use crate::client::Jobs;
use crate::job::{JobState, Record};
use crate::store::Filter;

pub(super) fn command() -> Command {
    Command::new("list")
        .about("Lists jobs, the newest first, without their arguments")
        .arg(
            option("state", "STATE", "Only in this state; may be given several times")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(str::parse::<JobState>),
        )
        .arg(option("queue", "QUEUE", "Only in this queue"))
        .arg(option("name", "NAME", "Only of this name"))
        .arg(option("tag", "TAG", "Only with this tag"))
        .arg(option("batch", "ID", "Only members of this batch").value_parser(batch_id))
        .arg(option("limit", "N", "At most so many").default_value("50").value_parser(value_parser!(u32).range(1..)))
        .arg(option("before", "ID", "Only jobs dispatched before this one: the next page").value_parser(job_id))
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let filter = filter(args);
    let found = jobs.list(&filter).await?;
    let now = jobs.now();
    let row = |job| Ok(Row { json: public(job)?, cells: cells(job, now) });
    let rows = found.iter().map(row).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(out.rows(["ID", "NAME", "QUEUE", "STATE", "ATTEMPT", "CREATED", "DUE", "TAGS"], &rows)?)
}

fn filter(args: &ArgMatches) -> Filter {
    let text = |name| args.get_one::<String>(name).cloned();
    Filter {
        states: args.get_many("state").unwrap_or_default().copied().collect(),
        queue: text("queue"),
        name: text("name"),
        tag: text("tag"),
        batch: args.get_one("batch").copied(),
        limit: args.get_one::<u32>("limit").map(|limit| *limit as usize),
        before: args.get_one("before").copied(),
    }
}

fn cells(job: &Record, now: Timestamp) -> [String; 8] {
    [
        job.id.to_string(),
        job.name.clone(),
        job.queue.clone(),
        state(job),
        job.attempt.to_string(),
        time::distance(job.created_at, now),
        if job.state.is_final() { "-".to_owned() } else { time::distance(job.run_at, now) },
        job.tags.join(" "),
    ]
}
