use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;

use super::exit::Failure;
use super::out::Out;
use super::root::batch_id;
use super::time;
use crate::client::Jobs;
use crate::job::{BatchId, BatchRecord};

pub(super) fn command() -> Command {
    let id = Arg::new("id").value_name("ID").help("The batch's id").required(true).value_parser(batch_id);
    Command::new("batch").about("Shows how far a batch is, and its callbacks; `list --batch` lists its members").arg(id)
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(id) = args.get_one::<BatchId>("id").copied() else { return Ok(()) };
    let batch = jobs.batch(id).progress().await?;
    if out.is_json() {
        return Ok(out.json(&serde_json::to_value(&batch)?)?);
    }
    Ok(out.fields(&fields(&batch, jobs.now()))?)
}

fn fields(batch: &BatchRecord, now: Timestamp) -> Vec<(&'static str, String)> {
    let at = |time: Option<Timestamp>| time.map(|time| time::at(time, now));
    let some = |count: u64| (count > 0).then(|| count.to_string());
    let fields = [
        ("id", Some(batch.id.to_string())),
        ("description", Some(batch.description.clone())),
        ("member of", batch.parent.map(|parent| parent.to_string())),
        ("members", Some(batch.total.to_string())),
        ("pending", Some(batch.pending.to_string())),
        ("open", Some(batch.open.to_string())),
        ("completed", Some(batch.completed.to_string())),
        ("dead", some(batch.dead)),
        ("cancelled", some(batch.cancelled)),
        ("created", at(Some(batch.created_at))),
        ("each ran once", at(batch.completed_at)),
        ("all succeeded", at(batch.succeeded_at)),
        ("first death", at(batch.died_at)),
        ("finished", at(batch.finished_at)),
        ("on complete", batch.on_complete.map(|job| job.to_string())),
        ("on success", batch.on_success.map(|job| job.to_string())),
        ("on death", batch.on_death.map(|job| job.to_string())),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
