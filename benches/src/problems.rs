//! What went wrong while something was measured: a figure with errors beside it is no good figure.

use std::fmt::{Debug, Write as _};
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static PROBLEMS: Mutex<Problems> = Mutex::new(Problems { first: Vec::new(), more: 0 });

/// So many are told in full.
const FULL: usize = 5;

#[derive(Debug)]
struct Problems {
    first: Vec<String>,
    more: u64,
}

/// Notes a problem of this process.
pub(crate) fn note(problem: impl ToString) {
    let mut problems = PROBLEMS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if problems.first.len() < FULL {
        problems.first.push(problem.to_string());
    } else {
        problems.more += 1;
    }
}

/// The problems of this process so far.
pub(crate) fn so_far() -> Vec<String> {
    let problems = PROBLEMS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let more = (problems.more > 0).then(|| format!("and {} more", problems.more));
    problems.first.iter().cloned().chain(more).collect()
}

/// Notes every warning and error that the worker or the store logs. What is less than a warning costs what it costs when nobody
/// listens.
pub(crate) fn listen() {
    // Only the first listener of a process counts, and it is one like this.
    let _ = tracing::subscriber::set_global_default(Listener);
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // A failure that is tried again is the job's own doing, and is counted elsewhere.
        let is_retried = metadata.fields().field("retry_at").is_some();
        metadata.is_event() && *metadata.level() <= Level::WARN && !is_retried
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::WARN)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        note(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event in one line.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // A string takes all that is written to it.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_noted_and_information_is_not() {
        tracing::subscriber::with_default(Listener, || {
            tracing::info!("all is well");
            tracing::warn!(retry_at = 7, "failed");
            for number in 0..7 {
                tracing::warn!(number, "still waiting");
            }
        });
        let problems = so_far();
        assert_eq!(problems.len(), FULL + 1);
        assert!(problems[0].contains("WARN still waiting number=0"), "{problems:?}");
        assert_eq!(problems[FULL], "and 2 more");
    }
}
