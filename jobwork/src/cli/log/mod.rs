//! The log of the program: lines on standard error, for people or as JSON.

mod fields;
mod json;
mod layer;
#[cfg(test)]
mod tests;
mod text;

use std::io::{IsTerminal, Write};

use clap::ArgMatches;
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default, set_global_default};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use self::json::Json;
use self::layer::Lines;
use self::text::Text;
use super::exit::{Exit, Failure};
use crate::perform::JobLog;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Text, for the eye where a terminal shows it.
    Auto,
    /// Text as it stands in files: no colours, whole ids, whole dates.
    Text,
    /// An object a line.
    Json,
}

impl Format {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected `auto`, `text` or `json`".to_owned()),
        }
    }
}

/// Turns one event into a line.
trait Render: Send + Sync + 'static {
    fn render(&self, line: &layer::Line<'_>) -> String;
}

/// The program's log. It steps back where the program has set up one of its own.
pub(super) struct Log(Dispatch);

impl Log {
    /// The log as the command line and the environment want it.
    pub(super) fn new(matches: &ArgMatches, level: tracing::Level) -> Result<Self, Failure> {
        let filter = filter(level);
        let for_eyes = std::io::stderr().is_terminal();
        let colours = for_eyes && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        Ok(match format(matches)? {
            Format::Auto => Self::of(Text { for_eyes, colours }, filter),
            Format::Text => Self::of(Text { for_eyes: false, colours: false }, filter),
            Format::Json => Self::of(Json, filter),
        })
    }

    fn of(render: impl Render, filter: Targets) -> Self {
        let lines = Lines::new(render, Box::new(to_stderr));
        Self(Dispatch::new(tracing_subscriber::registry().with(lines.with_filter(filter)).with(JobLog::layer())))
    }

    /// Logs what this thread does until the guard is dropped, and leaves the program free to set up a log.
    pub(super) fn scope(&self) -> DefaultGuard {
        set_default(&self.0)
    }

    /// Logs whatever happens from now on, unless the program has a log already.
    pub(super) fn start(self) {
        let _ = set_global_default(self.0);
    }
}

fn to_stderr(line: &str) {
    // Where nobody reads the log, there is nobody to tell.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

fn format(matches: &ArgMatches) -> Result<Format, Failure> {
    if let Some(format) = matches.get_one("log-format") {
        return Ok(*format);
    }
    match std::env::var("JOBWORK_LOG_FORMAT").ok().filter(|text| !text.is_empty()) {
        None => Ok(Format::Auto),
        Some(text) => Format::parse(&text)
            .map_err(|expected| Failure::new(Exit::Usage, format!("JOBWORK_LOG_FORMAT is `{text}`: {expected}"))),
    }
}

/// What is logged: as `JOBWORK_LOG` says, else `RUST_LOG`. A mistake in one of them must not keep jobs from being worked.
fn filter(level: tracing::Level) -> Targets {
    let set = |name| Some((name, std::env::var(name).ok().filter(|text| !text.is_empty())?));
    let default = Targets::new().with_default(level);
    let Some((name, text)) = set("JOBWORK_LOG").or_else(|| set("RUST_LOG")) else { return default };
    text.parse().unwrap_or_else(|error| {
        let expected = "expected levels by target, such as `info,my_app=debug`";
        to_stderr(&format!("warning: can't read {name}=`{text}` ({error}); {expected}\n"));
        default
    })
}
