//! `bench`: how fast a store is on this machine.

mod figures;
mod interrupt;
mod nothing;
mod place;
mod queue;
mod round;
mod tally;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use clap::{ArgMatches, Command, value_parser};
use serde_json::Value;

use self::figures::Figures;
use self::interrupt::Interrupt;
use self::place::Folder;
use self::round::Bench;
use super::exit::Failure;
use super::out::Out;
use super::root::{self, option};
use crate::client::Jobs;
use crate::store::{file_of, without_password};

/// More jobs than this in a measure tell nothing more, and have to be kept in mind.
const MOST: i64 = 10_000_000;

pub(super) fn command() -> Command {
    let count = || value_parser!(u32).range(1..);
    Command::new("bench")
        .about("Measures how fast a store is on this machine, and checks that each job runs exactly once")
        .arg(option("jobs", "N", "How many jobs each measure takes").default_value("10000").value_parser(value_parser!(u32).range(1..=MOST)))
        .arg(option("concurrency", "N", "How many jobs run at a time").default_value("100").value_parser(count()))
        .arg(option("rounds", "N", "How often each measure is taken").default_value("3").value_parser(count()))
        .after_help(
            "Without `--store`, a throw-away file is measured beside the SQLite file that the other commands use: it is on \
             the same disk, and removed afterwards. A default store that is not a file is measured itself.\n\n\
             With `--store`, that store itself is measured, with the jobs it holds. They stay as they are: what is measured \
             has the queue `jobwork_bench` to itself, which is emptied afterwards, also after Ctrl-C; a second Ctrl-C leaves \
             it as it is. Others that use the store meanwhile get slower and change the figures, and an SQLite file keeps \
             the size it grew to.",
        )
}

/// Measures this store itself.
pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let place = root::store(args).map_or_else(|| "the program's own".to_owned(), without_password);
    run_on(args, jobs, &place, out).await
}

async fn run_on(args: &ArgMatches, jobs: &Jobs, place: &str, out: &mut Out<'_>) -> Result<(), Failure> {
    // What the program's hooks do is not measured, and no business of these jobs.
    let jobs = Jobs::new(Arc::clone(jobs.store()));
    let store = described(&jobs, place);
    queue::take(&jobs).await?;
    let interrupt = Interrupt::listen()?;
    let measured = measured(args, &jobs, &interrupt).await;
    let figures = queue::leave(&jobs, &interrupt, measured).await?;
    print(args, &store, &figures, out)
}

/// Measures a throw-away file beside the one that the URL names, or the store itself where that is not a file.
pub(super) async fn run_beside(args: &ArgMatches, url: &str, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(file) = file_of(url)? else {
        return run_on(args, &Jobs::connect(url).await?, &without_password(url), out).await;
    };
    let interrupt = Interrupt::listen()?;
    let folder = Folder::beside(Path::new(file))?;
    let jobs = folder.connect().await?;
    let store = described(&jobs, &format!("a throw-away file beside {file}"));
    let figures = measured(args, &jobs, &interrupt).await?;
    drop(jobs);
    folder.remove()?;
    print(args, &store, &figures, out)
}

/// What was measured, for the report.
fn described(jobs: &Jobs, place: &str) -> [(&'static str, String); 2] {
    let durability = match jobs.store().name() {
        "sqlite" => "WAL, synchronous=FULL: what is committed is on the disk",
        "memory" => "none: nothing outlives the process",
        _ => "as the server is set up",
    };
    [("store", format!("{} ({place})", jobs.store().name())), ("durability", durability.to_owned())]
}

fn number(args: &ArgMatches, name: &str) -> u32 {
    args.get_one(name).copied().unwrap_or(1)
}

/// Takes all measures, in rounds.
async fn measured(args: &ArgMatches, jobs: &Jobs, interrupt: &Interrupt) -> Result<Figures, Failure> {
    let (count, concurrency) = (number(args, "jobs") as usize, number(args, "concurrency") as usize);
    let bench = Bench { jobs: jobs.clone(), count, concurrency, interrupt: interrupt.clone() };
    let (mut figures, rounds) = (Figures::new(count), number(args, "rounds"));
    for round in 1..=rounds {
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            // Where nobody reads it, there is nobody to tell.
            let _ = writeln!(stderr, "round {round} of {rounds}");
        }
        bench.round(&mut figures).await?;
    }
    Ok(figures)
}

fn print(
    args: &ArgMatches,
    store: &[(&'static str, String)],
    figures: &Figures,
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let numbers = ["jobs", "concurrency", "rounds"].map(|name| (name, number(args, name) as usize));
    let numbers = numbers.into_iter().chain([("cores", cores)]);
    let rows = figures.rows();
    if out.is_json() {
        let texts = store.iter().map(|(key, text)| ((*key).to_owned(), Value::from(text.as_str())));
        let numbers = numbers.map(|(key, number)| (key.to_owned(), Value::from(number)));
        let mut document: serde_json::Map<String, Value> = texts.chain(numbers).collect();
        document.insert("measures".to_owned(), rows.into_iter().map(|row| row.json).collect());
        return Ok(out.json(&document)?);
    }
    let numbers = numbers.map(|(key, number)| (key, number.to_string()));
    let fields: Vec<_> = store.iter().cloned().chain(numbers).collect();
    out.fields(&fields)?;
    out.line("")?;
    out.rows(["MEASURE", "JOBS", "MEDIAN", "RANGE", "UNIT"], &rows)?;
    out.line("\nEach job ran exactly once.")?;
    Ok(())
}
