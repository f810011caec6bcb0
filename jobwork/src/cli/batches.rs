use clap::{ArgMatches, Command, value_parser};
use jiff::Timestamp;

use super::exit::Failure;
use super::out::{Out, Row};
use super::root::{batch_id, option};
use super::time;
use crate::client::Jobs;
use crate::job::BatchRecord;
use crate::store::BatchFilter;

pub(super) fn command() -> Command {
    Command::new("batches")
        .about("Lists batches, the newest first")
        .arg(option("parent", "ID", "Only members of this batch").value_parser(batch_id))
        .arg(option("limit", "N", "At most so many").default_value("50").value_parser(value_parser!(u32).range(1..)))
        .arg(option("before", "ID", "Only batches dispatched before this one: the next page").value_parser(batch_id))
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let filter = BatchFilter {
        parent: args.get_one("parent").copied(),
        limit: args.get_one::<u32>("limit").map(|limit| *limit as usize),
        before: args.get_one("before").copied(),
    };
    let found = jobs.inspect()?.batches(&filter).await?;
    let now = jobs.now();
    let row = |batch| Ok(Row { json: serde_json::to_value(batch)?, cells: cells(batch, now) });
    let rows = found.iter().map(row).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(out.rows(["ID", "DESCRIPTION", "MEMBERS", "PENDING", "COMPLETED", "DEAD", "CANCELLED", "CREATED"], &rows)?)
}

fn cells(batch: &BatchRecord, now: Timestamp) -> [String; 8] {
    [
        batch.id.to_string(),
        batch.description.clone(),
        batch.total.to_string(),
        batch.pending.to_string(),
        batch.completed.to_string(),
        batch.dead.to_string(),
        batch.cancelled.to_string(),
        time::distance(batch.created_at, now),
    ]
}
