//! What the command line says.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::place::Place;
use crate::plan::PARTS;
use crate::task;

/// What is to be measured, and where the results go.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// The store.
    pub(crate) place: Place,
    /// About how many jobs a measure has; each takes a share or a multiple of it that suits its rate.
    pub(crate) jobs: u64,
    /// How often each is taken.
    pub(crate) rounds: usize,
    /// Only these parts; empty for all.
    only: Vec<String>,
    /// Also those that take minutes.
    long: bool,
    /// Only the bare measures.
    pub(crate) bare: bool,
    /// How many finished jobs a full store has.
    pub(crate) finished: u64,
    /// How many finished jobs there are at the end of the curve of sizes.
    pub(crate) rows: u64,
    /// How long those take that are measured by time.
    pub(crate) seconds: f64,
    /// Where the JSON goes.
    pub(crate) json: Option<PathBuf>,
    /// Where the tables go, in Markdown.
    pub(crate) markdown: Option<PathBuf>,
    /// Where the plots go.
    pub(crate) svg: Option<PathBuf>,
}

const STORE: &str = "`sqlite` for a new file per measure, `postgres` for a server of its own, `memory`, or a URL; of a server of Postgres each measure gets a new database";

/// The command line.
pub(crate) fn command() -> Command {
    Command::new("jobwork-bench")
        .about("Measures a store and the worker on it, beside the bare limit of the disk")
        .version(env!("CARGO_PKG_VERSION"))
        .arg(option("store", "URL", STORE).default_value("sqlite"))
        .arg(
            option("dir", "DIR", "Where the new files are made; else the system's directory for such")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(number("jobs", "N", "About how many jobs a measure has", "30000"))
        .arg(number("rounds", "N", "How often each measure is taken, in turn", "5"))
        .arg(
            option("only", "PART", "Only this part and what it is compared with; may be given several times")
                .value_parser(PossibleValuesParser::new(PARTS.iter().map(|(name, ..)| *name)))
                .action(ArgAction::Append),
        )
        .arg(flag("long", "Also those parts that take minutes"))
        .arg(number("finished", "N", "How many finished jobs a full store has", "1000000"))
        .arg(number("rows", "N", "How many jobs there are at most beside the others of a measure of sizes", "10000000"))
        .arg(number("seconds", "N", "How long the processes and the idle worker are watched", "60"))
        .arg(file("json", "FILE", "Writes every round's figures"))
        .arg(file("markdown", "FILE", "Writes the tables in Markdown"))
        .arg(file("svg", "DIR", "Draws the plots"))
        .arg(flag("list", "Lists the parts"))
        .arg(flag("bare", "Only the bare measures"))
        .subcommand(Command::new(task::COMMAND).hide(true))
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn number(name: &'static str, value: &'static str, help: &'static str, default: &'static str) -> Arg {
    option(name, value, help).default_value(default).value_parser(value_parser!(u64).range(1..))
}

fn file(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, help).value_parser(value_parser!(PathBuf))
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

/// The directory in which files are made.
pub(crate) fn directory(matches: &ArgMatches) -> PathBuf {
    matches.get_one("dir").cloned().unwrap_or_else(std::env::temp_dir)
}

/// What the store is called.
pub(crate) fn store(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("store").map_or("sqlite", String::as_str)
}

impl Arguments {
    /// What these say, of this store.
    pub(crate) fn of(matches: &ArgMatches, place: Place) -> Self {
        let number = |name| matches.get_one::<u64>(name).copied().unwrap_or(1);
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        Self {
            place,
            jobs: number("jobs"),
            rounds: number("rounds") as usize,
            only: matches.get_many("only").unwrap_or_default().cloned().collect(),
            long: matches.get_flag("long"),
            bare: matches.get_flag("bare"),
            finished: number("finished"),
            rows: number("rows"),
            seconds: number("seconds") as f64,
            json: path("json"),
            markdown: path("markdown"),
            svg: path("svg"),
        }
    }

    /// Whether this part is to be measured.
    pub(crate) fn wants(&self, part: &str) -> bool {
        let is_long = PARTS.iter().any(|(name, long, _)| *name == part && *long);
        if self.only.is_empty() { self.long || !is_long } else { self.only.iter().any(|only| only == part) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Result<Arguments, String> {
        let matches = command().try_get_matches_from([&["jobwork-bench"], words].concat());
        let place = Place::Sqlite { folder: "here".into() };
        matches.map(|matches| Arguments::of(&matches, place)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn long_parts_are_measured_when_they_are_asked_for() {
        let short = arguments(&[]).unwrap();
        assert!(short.wants("drain") && !short.wants("size"));
        let long = arguments(&["--long"]).unwrap();
        assert!(long.wants("drain") && long.wants("size"));
        let only = arguments(&["--only", "size", "--only", "chain"]).unwrap();
        assert!(only.wants("size") && only.wants("chain") && !only.wants("drain"));
    }

    #[test]
    fn an_unknown_part_is_answered_with_the_known_ones() {
        let error = arguments(&["--only", "drains"]).unwrap_err();
        assert!(error.contains("drains") && error.contains("end-to-end"), "{error}");
    }

    #[test]
    fn numbers_are_whole_and_at_least_one() {
        for words in [["--jobs", "0"], ["--rounds", "1.5"], ["--jobs", "many"]] {
            let error = arguments(&words).unwrap_err();
            assert!(error.contains(words[0]), "{error}");
        }
    }
}
