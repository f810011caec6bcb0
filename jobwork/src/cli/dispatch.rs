use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use jiff::Timestamp;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::json_text::{check_syntax, pointed};
use super::nearest::{choice, nearest};
use super::out::Out;
use super::root::option;
use super::time;
use crate::client::{Due, Jobs, Placement};
use crate::error::Error;
use crate::job::{Flow, JobOptions, NewJob};
use crate::perform::{JobEntry, Registry};

pub(super) fn command() -> Command {
    Command::new("dispatch")
        .about("Stores a job, and prints its id, or that of the job which has its unique key")
        .arg(Arg::new("name").value_name("NAME").help("The job's name").required(true))
        .arg(Arg::new("arguments").value_name("JSON").default_value("{}").help(
            "Its arguments: a JSON object by parameter name, or an array in parameter order; `-` reads standard input",
        ))
        .arg(option("queue", "QUEUE", "Another queue than the job's own"))
        .arg(
            option("priority", "N", "Another priority; higher runs first")
                .value_parser(value_parser!(i32))
                .allow_negative_numbers(true),
        )
        .arg(option("retries", "N", "Another number of retries").value_parser(value_parser!(u32)))
        .arg(
            option("delay", "TIME", "Not before this time has passed, such as 10m")
                .value_parser(time::duration)
                .conflicts_with("at"),
        )
        .arg(option("at", "TIME", "Not before this time, such as 2030-01-31T18:00:00Z").value_parser(time::timestamp))
        .arg(option("tag", "TAG", "A word to find it by; may be given several times").action(ArgAction::Append))
}

pub(super) async fn run(
    args: &ArgMatches,
    jobs: &Jobs,
    registry: Option<&Registry>,
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    let name = args.get_one::<String>("name").map_or("", String::as_str);
    let entry = registry.map(|registry| find(registry, name)).transpose()?;
    let text = arguments(args)?;
    check_syntax(&text)?;
    let flow = entry.map(|entry| flow(entry, &text)).transpose()?.unwrap_or_default();
    let new = NewJob { flow, ..new_job(args, jobs, name, entry, text) };
    let pushed = jobs.push_each(vec![new]).await?.into_iter().next();
    let pushed = pushed.ok_or_else(|| Error::store("the store returned no id"))?;
    let id = pushed.id();
    Ok(if out.is_json() { out.json(&json!({ "id": id, "new": pushed.is_new() })) } else { out.line(&id.to_string()) }?)
}

fn find<'a>(registry: &'a Registry, name: &str) -> Result<&'a JobEntry, Failure> {
    registry.job(name).ok_or_else(|| {
        let alike = nearest(name, registry.names());
        let hint = match alike.is_empty() {
            true => "the command `jobs` lists those this program has".to_owned(),
            false => format!("did you mean {}?", choice(&alike)),
        };
        Failure::new(Exit::Usage, format!("unknown job `{name}`; {hint}"))
    })
}

fn arguments(args: &ArgMatches) -> Result<String, Failure> {
    let text = args.get_one::<String>("arguments").map_or("", String::as_str);
    if text != "-" {
        return Ok(text.trim().to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::Failed, format!("can't read the arguments from standard input: {error}")))?;
    Ok(text.trim().to_owned())
}

/// What the job shares with others, if these are its arguments.
fn flow(entry: &JobEntry, text: &str) -> Result<Flow, Failure> {
    entry.flow(text).map_err(|error| {
        let fields = entry.fields();
        let takes = if fields.is_empty() { "no parameters".to_owned() } else { format!("({})", fields.join(", ")) };
        let message = format!("the arguments don't fit `{}`, which takes {takes}: ", entry.name());
        Failure::new(Exit::Usage, message + &pointed(text, &error))
    })
}

/// The job, under the name it has today where it was called by an older one.
fn new_job(args: &ArgMatches, jobs: &Jobs, name: &str, entry: Option<&JobEntry>, text: String) -> NewJob {
    let new = NewJob::new(entry.map_or_else(|| Cow::Owned(name.to_owned()), |entry| entry.name().into()), text);
    let options = entry.map_or(JobOptions::DEFAULT, JobEntry::options);
    let (mut new, placement, now) = (new.with_options(options), placement(args), jobs.now());
    placement.place_at(&mut new, &options, placement.run_at(options.delay, now), now);
    new
}

fn placement(args: &ArgMatches) -> Placement {
    let delay = args.get_one::<Duration>("delay").map(|delay| Due::In(*delay));
    Placement {
        queue: args.get_one("queue").cloned(),
        priority: args.get_one("priority").copied(),
        retries: args.get_one("retries").copied(),
        due: delay.or(args.get_one::<Timestamp>("at").map(|at| Due::At(*at))).unwrap_or_default(),
        tags: args.get_many("tag").unwrap_or_default().cloned().collect(),
        ..Placement::default()
    }
}
