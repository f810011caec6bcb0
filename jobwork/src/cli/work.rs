use clap::{ArgMatches, Command, value_parser};

use super::exit::{Exit, Failure};
use super::out::Out;
use super::root::{flag, option};
use super::{served_queues, time};
use crate::worker::{App, StopReason, StopReport};

pub(super) fn command() -> Command {
    Command::new("work")
        .about("Performs jobs until it is stopped (the default command)")
        .args(served_queues::args())
        .arg(
            option("concurrency", "N", "How many async jobs run at a time [default: 100]")
                .value_parser(value_parser!(u32).range(1..)),
        )
        .arg(
            option("shutdown-timeout", "TIME", "How long running jobs may finish after a stop [default: 25s]")
                .value_parser(time::duration),
        )
        .arg(
            flag("until-empty", "Stops when nothing is ready any more, but for what a rate or a pause holds back")
                .conflicts_with("one"),
        )
        .arg(flag("one", "Performs one job, if one is ready, and stops"))
        .after_help(
            "SIGTERM or Ctrl-C stops it: running jobs may finish. A second one tells them to stop, a third exits.",
        )
}

pub(super) async fn run(args: &ArgMatches, app: App, out: &mut Out<'_>) -> Result<(), Failure> {
    let app = configured(args, app)?.obey_signals();
    let report = match (chosen(args, "until-empty"), chosen(args, "one")) {
        (true, _) => app.run_until_empty().await,
        (_, true) => app.run_one().await,
        _ => app.run().await,
    }?;
    if out.is_json() {
        out.json(&report)?;
    }
    judged(&report)
}

/// Whether the flag is there; without the command's name there is none.
fn chosen(args: &ArgMatches, flag: &str) -> bool {
    args.try_get_one::<bool>(flag).ok().flatten().copied().unwrap_or(false)
}

/// The app, with what the command line says in place of what the program says.
fn configured(args: &ArgMatches, app: App) -> Result<App, Failure> {
    let concurrency = args.try_get_one::<u32>("concurrency").ok().flatten();
    let timeout = args.try_get_one("shutdown-timeout").ok().flatten();
    let app = served_queues::configured(args, app)?;
    let app = concurrency.into_iter().fold(app, |app, jobs| app.concurrency(*jobs as usize));
    Ok(timeout.into_iter().fold(app, |app, timeout| app.shutdown_timeout(*timeout)))
}

fn judged(report: &StopReport) -> Result<(), Failure> {
    let lost = report.abandoned.len();
    if lost > 0 {
        let message = format!("what became of {lost} jobs could not be written; they will run again");
        return Err(Failure::new(Exit::Abandoned, message));
    }
    match report.reason {
        StopReason::Runtime => Err(Failure::new(Exit::Failed, "the worker broke off; the log says why")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(reason: StopReason, abandoned: u64) -> StopReport {
        let id = |seq| crate::JobId::derive(seq, jiff::Timestamp::UNIX_EPOCH);
        StopReport { reason, completed: 0, handed_back: vec![id(9)], abandoned: (0..abandoned).map(id).collect() }
    }

    #[test]
    fn only_what_was_lost_makes_a_stop_unclean() {
        judged(&report(StopReason::Signal, 0)).unwrap();
        assert_eq!(judged(&report(StopReason::Signal, 2)).unwrap_err().exit, Exit::Abandoned);
        assert_eq!(judged(&report(StopReason::Runtime, 0)).unwrap_err().exit, Exit::Failed);
    }
}
