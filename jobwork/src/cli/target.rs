//! What `pause` and `resume` are about, as the command line names it.

use clap::{Arg, ArgGroup, ArgMatches};

use super::root::{flag, option};
use crate::store::Target;

pub(super) fn args() -> [Arg; 3] {
    [
        option("queue", "QUEUE", "The jobs of this queue"),
        option("job", "NAME", "The jobs of this name, in every queue"),
        flag("all", "All jobs"),
    ]
}

/// At most one of them.
pub(super) fn group() -> ArgGroup {
    ArgGroup::new("target").args(["queue", "job", "all"])
}

/// The one that was named.
pub(super) fn target(args: &ArgMatches) -> Option<Target> {
    let text = |name| args.get_one::<String>(name).cloned();
    let named = text("queue").map(Target::Queue).or_else(|| text("job").map(Target::Job));
    named.or_else(|| args.get_flag("all").then_some(Target::Everything))
}
