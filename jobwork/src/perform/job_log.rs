use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::JobContext;
use crate::job::LogLevel;

thread_local! {
    /// The job whose span is being made on this thread.
    static STARTING: RefCell<Option<JobContext>> = const { RefCell::new(None) };
}

/// One more than the place in `LogLevel::ALL` of the least grave level that any job keeps; 0 while none keeps any.
static KEPT: AtomicU8 = AtomicU8::new(0);

/// The layer that keeps what a job logs with the job, where the job asks for it.
///
/// The program of `#[jobwork::main]` has it. A program with a subscriber of its own adds [`JobLog::layer`] to it. Then every
/// event inside a job that is at least as grave as its [`Handling::keep_log`](crate::Handling::keep_log) becomes a
/// [`LogLine`](crate::LogLine), whatever the other layers filter out; jobs that don't ask for it cost nothing.
#[derive(Clone, Copy, Debug)]
pub struct JobLog(());

impl JobLog {
    /// The layer.
    #[must_use]
    pub fn layer<S>() -> impl Layer<S> + Send + Sync + 'static
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Self(()).with_filter(OfJobs)
    }
}

/// Makes the span of a job, which this layer then knows for one.
pub(crate) fn span_of(job: &JobContext, make: impl FnOnce() -> Span) -> Span {
    STARTING.set(Some(job.clone()));
    let span = make();
    STARTING.set(None);
    span
}

/// From now on events are looked at that are at least this grave.
pub(crate) fn keep_up_to(level: LogLevel) {
    let place = level as u8 + 1;
    if KEPT.fetch_max(place, Ordering::AcqRel) < place {
        tracing::callsite::rebuild_interest_cache();
    }
}

fn is_kept(level: &Level) -> bool {
    (log_level(level) as u8) < KEPT.load(Ordering::Acquire)
}

fn log_level(level: &Level) -> LogLevel {
    match *level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

impl<S> Layer<S> for JobLog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let (Some(job), Some(span)) = (STARTING.take(), context.span(id)) {
            span.extensions_mut().insert(job);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans = context.event_scope(event).into_iter().flatten();
        let job = spans.filter_map(|span| span.extensions().get::<JobContext>().cloned()).next();
        let level = log_level(event.metadata().level());
        let keeps = |job: &JobContext| job.job().notebook.keep_log.is_some_and(|least| level <= least);
        if let Some(job) = job.filter(keeps) {
            let mut text = Text::default();
            event.record(&mut text);
            job.log_line(level, text.message + &text.fields);
        }
    }
}

/// Lets through the spans of jobs, and the events that some job keeps. What the worker says about a job stands in the
/// job's history already.
#[derive(Clone, Copy, Debug)]
struct OfJobs;

impl OfJobs {
    fn wants(metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with(concat!(env!("CARGO_CRATE_NAME"), "::worker"));
        if metadata.is_span() { ours && metadata.name() == "job" } else { !ours && is_kept(metadata.level()) }
    }
}

impl<S> Filter<S> for OfJobs {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        Self::wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The spans of jobs are of the level info.
        Some(match KEPT.load(Ordering::Acquire) {
            0..=3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }
}

/// `the message  key=value other="a b"`
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let gap = if self.fields.is_empty() { "  " } else { " " };
        // Writing to a string can't fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, "{gap}{name}={value:?}"),
        };
    }
}
