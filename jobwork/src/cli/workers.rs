use clap::{Arg, ArgMatches};
use jiff::Timestamp;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::out::{Out, Row};
use super::{root, time};
use crate::client::Jobs;
use crate::job::WorkerId;
use crate::store::{Command, WorkerRecord};

pub(super) fn command() -> clap::Command {
    let ask = |command: Command, about: &'static str| {
        let id = Arg::new("id").value_name("ID").help("The worker's id").required(true).value_parser(worker_id);
        root::with_help(clap::Command::new(command.as_str()).about(about).arg(id))
    };
    clap::Command::new("workers")
        .about("Lists the workers, or asks one for something")
        .disable_help_subcommand(true)
        .subcommands([
            ask(Command::Quiet, "Lets a worker claim nothing more, and stay"),
            ask(Command::Resume, "Lets a quiet worker claim again"),
            ask(Command::Stop, "Stops a worker, as SIGTERM does"),
        ])
}

fn worker_id(text: &str) -> Result<WorkerId, String> {
    text.parse().map_err(|_| "expected a worker's id, as `workers` prints it".to_owned())
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let (command, args) = match args.subcommand() {
        Some(("quiet", args)) => (Command::Quiet, args),
        Some(("resume", args)) => (Command::Resume, args),
        Some((_, args)) => (Command::Stop, args),
        None => return list(jobs, out).await,
    };
    match args.get_one("id") {
        Some(id) => ask(*id, command, jobs, out).await,
        None => Ok(()),
    }
}

async fn ask(id: WorkerId, command: Command, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    if !jobs.inspect()?.command(id, command).await? {
        let message = format!("there is no worker {id}; `workers` lists those there are");
        return Err(Failure::new(Exit::NotFound, message));
    }
    Ok(if out.is_json() {
        out.json(&json!({ "id": id, "command": command }))
    } else {
        out.line(&format!("{id}  told to {}", command.as_str()))
    }?)
}

async fn list(jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let now = jobs.now();
    let mut rows = Vec::new();
    for worker in jobs.inspect()?.workers(now).await? {
        rows.push(Row { cells: cells(&worker, now), json: serde_json::to_value(worker)? });
    }
    Ok(out.rows(["ID", "HOST", "PID", "STATE", "RUNNING", "QUEUES", "STARTED", "LAST BEAT"], &rows)?)
}

fn cells(worker: &WorkerRecord, now: Timestamp) -> [String; 8] {
    let info = &worker.info;
    [
        info.id.to_string(),
        info.host.clone(),
        info.pid.to_string(),
        worker.state.as_str().to_owned(),
        format!("{} of {}", worker.running, info.concurrency),
        if info.queues.is_empty() { "all".to_owned() } else { info.queues.join(", ") },
        time::distance(info.started_at, now),
        time::distance(worker.last_beat, now),
    ]
}
