//! The options that choose jobs, the same for every command that takes some.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use jiff::{SignedDuration, Timestamp};

use super::root::{batch_id, option};
use super::time;
use crate::job::JobState;
use crate::store::Filter;

const NAMES: [&str; 8] = ["state", "queue", "name", "tag", "batch", "older-than", "ended-before", "error"];

/// The options.
pub(super) fn args() -> [Arg; 8] {
    [
        option("state", "STATE", "Only in this state; may be given several times")
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(str::parse::<JobState>),
        option("queue", "QUEUE", "Only in this queue"),
        option("name", "NAME", "Only of this name").visible_alias("job"),
        option("tag", "TAG", "Only with this tag; may be given several times, for jobs with all of them")
            .action(ArgAction::Append),
        option("batch", "ID", "Only members of this batch").value_parser(batch_id),
        option("older-than", "TIME", "Only dispatched longer ago than this, such as `1d`").value_parser(time::age),
        option("ended-before", "TIME", "Only ended longer ago than this, such as `7d`").value_parser(time::age),
        option("error", "TEXT", "Only with this text in what they failed of"),
    ]
}

/// What the command line chooses.
pub(super) fn read(args: &ArgMatches, now: Timestamp) -> Filter {
    let text = |name| args.get_one::<String>(name).cloned();
    let ago = |name| args.get_one::<SignedDuration>(name).map(|age| now.checked_sub(*age).unwrap_or(Timestamp::MIN));
    Filter {
        states: args.get_many("state").unwrap_or_default().copied().collect(),
        queue: text("queue"),
        name: text("name"),
        tags: args.get_many("tag").unwrap_or_default().cloned().collect(),
        batch: args.get_one("batch").copied(),
        created_before: ago("older-than"),
        finished_before: ago("ended-before"),
        error: text("error"),
        ..Filter::default()
    }
}

/// Whether the command line chooses anything.
pub(super) fn is_given(args: &ArgMatches) -> bool {
    NAMES.iter().any(|name| args.value_source(name) == Some(ValueSource::CommandLine))
}
