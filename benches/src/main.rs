//! Measures a store and the worker on it: `cargo run --release -p jobwork-bench -- --help`. The README beside this says what
//! each measure does and what is counted.

mod arguments;
mod bare;
mod figure;
mod fill;
mod jobs;
mod machine;
mod measure;
mod place;
mod plan;
mod plot;
mod postgres;
mod problems;
mod report;
mod run;
mod table;
mod tally;
mod task;
mod usage;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::ArgMatches;
use tokio::runtime::Runtime;

use self::arguments::Arguments;
use self::place::Place;
use self::postgres::Server;
use self::report::Report;
use self::task::Task;

fn main() -> Result<ExitCode> {
    let matches = arguments::command().get_matches();
    if matches.subcommand().is_some() {
        Runtime::new()?.block_on(Task::perform())?;
        return Ok(ExitCode::SUCCESS);
    }
    if matches.get_flag("list") {
        list();
        return Ok(ExitCode::SUCCESS);
    }
    let report = measure(&matches)?;
    println!("{}", report.text());
    Ok(if report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn list() {
    for (name, long, what) in plan::PARTS {
        println!("{name:<12} {what}{}", if *long { "; only when it is named, or with --long" } else { "" });
    }
}

fn measure(matches: &ArgMatches) -> Result<Report> {
    let directory = arguments::directory(matches);
    let folder = tempfile::tempdir_in(&directory);
    let folder = folder.with_context(|| format!("can't make a directory in {}", directory.display()))?;
    let store = arguments::store(matches);
    let server = if store == "postgres" { Some(Server::start(&directory)?) } else { None };
    let place = match &server {
        Some(server) => Place::Postgres(server.address()),
        None => Place::of(store, folder.path()),
    };
    let arguments = Arguments::of(matches, place);
    let mut settings = Runtime::new()?.block_on(machine::settings(&arguments, folder.path()))?;
    let taken = run::run(&arguments)?;
    settings.push(machine::load_after());
    let report = Report { settings, taken };
    write(&report, &arguments)?;
    Ok(report)
}

fn write(report: &Report, arguments: &Arguments) -> Result<()> {
    let file = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
    };
    if let Some(path) = &arguments.json {
        file(path, format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &arguments.markdown {
        file(path, report.markdown())?;
    }
    arguments.svg.as_deref().map_or(Ok(()), |folder| plot::draw(&report.taken, folder))
}
