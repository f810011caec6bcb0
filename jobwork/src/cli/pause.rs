use std::time::Duration;

use clap::{ArgMatches, Command};
use jiff::Timestamp;

use super::exit::Failure;
use super::out::{Out, Row};
use super::root::option;
use super::{target, time};
use crate::client::Jobs;
use crate::clock::after;
use crate::store::Pause;

pub(super) fn command() -> Command {
    Command::new("pause")
        .about("Keeps jobs from being started, in every process; without a target it lists what is paused")
        .args(target::args())
        .group(target::group())
        .arg(
            option("for", "TIME", "Resumes by itself after this time, such as 10m")
                .value_parser(time::duration)
                .requires("target"),
        )
        .after_help("What runs already goes on. `resume` ends a pause; a second pause takes the place of the first.")
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(target) = target::target(args) else { return list(jobs, out).await };
    let now = jobs.now();
    let until = args.get_one::<Duration>("for").map(|wait| after(now, *wait));
    jobs.pause(target.clone(), until).await?;
    let pause = Pause::new(target, until);
    Ok(match out.is_json() {
        true => out.json(&pause),
        false => out.line(&format!("{}  paused until {}", pause.target, end(until, now))),
    }?)
}

async fn list(jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let now = jobs.now();
    let mut rows = Vec::new();
    for pause in jobs.pauses().await? {
        let cells = [pause.target.to_string(), end(pause.until, now)];
        rows.push(Row { json: serde_json::to_value(pause)?, cells });
    }
    Ok(out.rows(["PAUSED", "UNTIL"], &rows)?)
}

/// When a pause ends, as it stands after `until`.
fn end(until: Option<Timestamp>, now: Timestamp) -> String {
    until.map_or_else(|| "it is resumed".to_owned(), |until| time::at(until, now))
}
