use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Failure;
use super::out::{Out, Row};
use super::{root, time};
use crate::client::Jobs;
use crate::store::ScheduleRecord;

pub(super) fn command() -> Command {
    let name = || Arg::new("name").value_name("NAME").help("The schedule's name").required(true);
    let one = |command: &'static str, about| root::with_help(Command::new(command).about(about).arg(name()));
    let expression = Arg::new("expression").value_name("EXPRESSION").required(true);
    let edit = one("edit", "Gives a schedule another expression, whatever the code says, until it is reset")
        .arg(expression.help("When it is due: `0 3 * * *`, `@daily`, `@every 15m`"))
        .arg(root::option("tz", "ZONE", "The time zone, such as Europe/Vienna [default: the one it has]"));
    Command::new("cron").about("Lists the schedules, or changes one").disable_help_subcommand(true).subcommands([
        one("pause", "Keeps a schedule from making jobs; what comes meanwhile is not made up for"),
        one("resume", "Lets a paused schedule make jobs again"),
        one("run", "Lets a worker make a schedule's jobs once, now"),
        edit,
        one("reset", "Makes a schedule due again as the code says"),
        one("remove", "Forgets a schedule; a worker that declares it brings it back when it starts"),
    ])
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some((command, args)) = args.subcommand() else { return list(jobs, out).await };
    let word = |id| args.get_one::<String>(id).map(String::as_str);
    let name = word("name").unwrap_or_default();
    let done = match command {
        "pause" => jobs.pause_schedule(name).await.map(|()| "paused"),
        "resume" => jobs.resume_schedule(name).await.map(|()| "resumed"),
        "run" => jobs.run_schedule(name).await.map(|()| "will run as soon as a worker that declares it sees this"),
        "edit" => {
            jobs.edit_schedule(name, word("expression").unwrap_or_default(), word("tz")).await.map(|()| "changed")
        }
        "reset" => jobs.reset_schedule(name).await.map(|()| "as in the code"),
        _ => jobs.remove_schedule(name).await.map(|()| "removed"),
    };
    let (done, now) = (done?, jobs.now());
    let schedule = jobs.schedules().await?.into_iter().find(|schedule| schedule.name == name);
    Ok(match schedule.filter(|_| out.is_json()) {
        Some(schedule) => out.json(&json(&schedule, now)?),
        None if out.is_json() => out.json(&json!({ "name": name, "removed": true })),
        None => out.line(&format!("{name}  {done}")),
    }?)
}

async fn list(jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let now = jobs.now();
    let mut rows = Vec::new();
    for schedule in jobs.schedules().await? {
        rows.push(Row { cells: cells(&schedule, now), json: json(&schedule, now)? });
    }
    Ok(out.rows(["NAME", "EXPRESSION", "ZONE", "JOB", "NEXT", "LAST", "MISSED", "STATE", "DECLARED"], &rows)?)
}

fn json(schedule: &ScheduleRecord, now: Timestamp) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(schedule)?;
    value["next"] = serde_json::to_value(schedule.next(now))?;
    Ok(value)
}

fn cells(schedule: &ScheduleRecord, now: Timestamp) -> [String; 9] {
    let distance = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| time::distance(at, now));
    [
        schedule.name.clone(),
        schedule.due.expression.clone(),
        schedule.due.zone.clone(),
        schedule.job.clone(),
        distance(schedule.next(now)),
        distance(schedule.last_tick),
        schedule.missed.to_string(),
        state(schedule),
        distance(Some(schedule.declared_at)),
    ]
}

/// What is special about it.
fn state(schedule: &ScheduleRecord) -> String {
    let words = [(schedule.paused, "paused"), (schedule.edited, "edited"), (schedule.asked.is_some(), "asked to run")];
    let words: Vec<&str> = words.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}
