use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::exit::EXIT_CODES;
use super::log::Format;
use super::{
    batch, batches, bench, cancel, delete, dispatch, limit, list, pause, prune, queues, requeue, resume, retry, show,
    stats, workers,
};
use crate::job::{BatchId, JobId};

/// The commands and options that every program has.
pub(super) fn root(program: &str) -> Command {
    Command::new(program.to_owned())
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .arg(flag("help", "Prints help").short('h'))
        .arg(option("store", "URL", "The job store; else JOBWORK_URL, else sqlite:jobs.db").global(true))
        .arg(flag("json", "Prints JSON: one document, or for lists one object a line").global(true))
        .arg(
            option("log-format", "FORMAT", "How log lines look [default: auto]; else JOBWORK_LOG_FORMAT")
                .value_parser(Format::parse)
                .global(true),
        )
        .subcommands(
            [
                dispatch::command(),
                list::command(),
                show::command(),
                retry::command(),
                cancel::command(),
                requeue::command(),
                prune::command(),
                delete::command(),
                queues::command(),
                pause::command(),
                resume::command(),
                limit::command(),
                workers::command(),
                stats::command(),
                bench::command(),
                batches::command(),
                batch::command(),
                #[cfg(feature = "cron")]
                super::cron::command(),
            ]
            .map(with_help),
        )
        .after_help(EXIT_CODES)
}

/// The command with a `--help` of its own: the root's lists what clap can't know, so clap makes none by itself.
pub(super) fn with_help(command: Command) -> Command {
    command.arg(flag("help", "Prints help").short('h').action(ArgAction::Help))
}

/// An option with a value.
pub(super) fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// An option without a value.
pub(super) fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// A job's id.
pub(super) fn id() -> Arg {
    Arg::new("id").value_name("ID").help("The job's id").required(true).value_parser(job_id)
}

/// One or more ids of jobs.
pub(super) fn ids() -> Arg {
    id().num_args(1..).help("The jobs' ids")
}

pub(super) fn job_id(text: &str) -> Result<JobId, String> {
    text.parse().map_err(|_| "expected a job's id, as `dispatch` and `list` print it".to_owned())
}

pub(super) fn batch_id(text: &str) -> Result<BatchId, String> {
    text.parse().map_err(|_| "expected a batch's id, as `batches` prints it".to_owned())
}

/// The name that the program was called by.
pub(super) fn program() -> String {
    let path = std::env::args_os().next();
    let name = path.and_then(|path| Path::new(&path).file_name()?.to_str().map(str::to_owned));
    name.unwrap_or_else(|| "jobwork".to_owned())
}

/// The given store.
pub(super) fn store(matches: &ArgMatches) -> Option<&str> {
    matches.get_one::<String>("store").map(String::as_str)
}
