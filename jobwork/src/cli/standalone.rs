use std::process::ExitCode;

use clap::ArgMatches;

use super::exit::{Exit, Failure, end};
use super::log::Log;
use super::out::Out;
use super::{
    batch, batches, bench, cancel, delete, dispatch, limit, list, pause, prune, queues, requeue, resume, retry, root,
    show, stats, workers,
};
use crate::client::Jobs;
use crate::store::default_url;

/// The `jobwork` binary: every command that needs a store and no jobs of a program.
#[must_use]
pub fn standalone() -> ExitCode {
    let program = root::program();
    let command = root::root(&program)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Looks at the jobs of a store, and changes them by hand. Jobs are worked by the programs that have them")
        .arg_required_else_help(true);
    let help = command.clone().render_help();
    let matches = match command.try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refused(&error),
    };
    let Some((name, args)) = matches.subcommand().filter(|_| !matches.get_flag("help")) else {
        print!("{help}");
        return Exit::Ok.into();
    };
    end(runtime().and_then(|runtime| runtime.block_on(connect_and_run(&matches, name, args))))
}

async fn connect_and_run(matches: &ArgMatches, name: &str, args: &ArgMatches) -> Result<(), Failure> {
    Log::new(matches, tracing::Level::WARN)?.start();
    let mut stdout = std::io::stdout();
    let mut out = Out::new(matches.get_flag("json"), &mut stdout);
    let jobs = match root::store(matches) {
        Some(url) => Jobs::connect(url).await?,
        None if name == "bench" => return bench::run_beside(args, &default_url(), &mut out).await,
        None => Jobs::current().await?,
    };
    run(name, args, &jobs, &mut out).await
}

/// Runs a command that needs no more than a store.
pub(super) async fn run(name: &str, args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    match name {
        "dispatch" => dispatch::run(args, jobs, None, out).await,
        "list" => list::run(args, jobs, out).await,
        "show" => show::run(args, jobs, out).await,
        "retry" => retry::run(args, jobs, out).await,
        "requeue" => requeue::run(args, jobs, out).await,
        "prune" => prune::run(args, jobs, out).await,
        "cancel" => cancel::run(args, jobs, out).await,
        "delete" => delete::run(args, jobs, out).await,
        "queues" => queues::run(jobs, out).await,
        "pause" => pause::run(args, jobs, out).await,
        "resume" => resume::run(args, jobs, out).await,
        "limit" => limit::run(args, jobs, out).await,
        "workers" => workers::run(args, jobs, out).await,
        "batches" => batches::run(args, jobs, out).await,
        "batch" => batch::run(args, jobs, out).await,
        "bench" => bench::run(args, jobs, out).await,
        "stats" => stats::run(jobs, out).await,
        #[cfg(feature = "cron")]
        "cron" => super::cron::run(args, jobs, out).await,
        _ => Err(Failure::new(Exit::Usage, format!("unknown command `{name}`"))),
    }
}

/// The runtime that everything runs on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::new(Exit::Failed, format!("can't start the async runtime: {error}")))
}

/// Ends the program as clap wants: with help, or with what is wrong with the command line.
pub(super) fn refused(error: &clap::Error) -> ExitCode {
    // Where nobody reads it, there is nobody to tell.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(Exit::Usage.into(), ExitCode::from)
}
