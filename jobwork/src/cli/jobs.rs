use clap::Command;
use serde_json::json;

use super::exit::Failure;
use super::out::{Out, Row};
use crate::perform::{JobEntry, Kind, Registry};

pub(super) fn command() -> Command {
    Command::new("jobs").about("Lists the jobs that this program performs")
}

pub(super) fn run(registry: &Registry, out: &mut Out<'_>) -> Result<(), Failure> {
    let rows: Vec<_> = registry.jobs().map(row).collect();
    Ok(out.rows(["NAME", "PARAMS", "QUEUE", "PRIORITY", "RETRIES", "KIND", "PLACE"], &rows)?)
}

fn row(entry: &JobEntry) -> Row<7> {
    let options = entry.options();
    let kind = match entry.kind() {
        Kind::Async => "async",
        Kind::Blocking => "blocking",
    };
    Row {
        json: json!({
            "name": entry.name(),
            "aliases": entry.aliases(),
            "params": entry.fields(),
            "queue": options.queue,
            "priority": options.priority,
            "retries": options.retries,
            "kind": kind,
            "place": entry.place(),
        }),
        cells: [
            entry.name().to_owned(),
            entry.fields().join(", "),
            options.queue.to_owned(),
            options.priority.to_string(),
            options.retries.to_string(),
            kind.to_owned(),
            entry.place(),
        ],
    }
}
