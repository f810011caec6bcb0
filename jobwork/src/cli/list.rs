use clap::{ArgMatches, Command, value_parser};
use jiff::Timestamp;

use super::exit::Failure;
use super::filter;
use super::out::{Out, Row};
use super::public::{public, state};
use super::root::{job_id, option};
use super::time;
use crate::client::Jobs;
use crate::job::Record;
use crate::store::Filter;

pub(super) fn command() -> Command {
    Command::new("list")
        .about("Lists jobs, the newest first, without their arguments")
        .args(filter::args())
        .arg(option("limit", "N", "At most so many").default_value("50").value_parser(value_parser!(u32).range(1..)))
        .arg(option("before", "ID", "Only jobs dispatched before this one: the next page").value_parser(job_id))
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let limit = args.get_one::<u32>("limit").map(|limit| *limit as usize);
    let before = args.get_one("before").copied();
    let filter = Filter { limit, before, ..filter::read(args, jobs.now()) };
    let found = jobs.list(&filter).await?;
    let now = jobs.now();
    let row = |job| Ok(Row { json: public(job)?, cells: cells(job, now) });
    let rows = found.iter().map(row).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(out.rows(["ID", "NAME", "QUEUE", "STATE", "ATTEMPT", "CREATED", "DUE", "TAGS"], &rows)?)
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
