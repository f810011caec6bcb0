use jiff::Timestamp;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Render;
use super::fields::Fields;

/// Writes a line for every event, with the fields of the spans it stands in.
pub(super) struct Lines<R> {
    render: R,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

/// Everything that a line may say.
pub(super) struct Line<'a> {
    pub(super) time: Timestamp,
    pub(super) metadata: &'a Metadata<'a>,
    pub(super) fields: &'a Fields,
    /// The job that the event is of.
    pub(super) job: Option<&'a Fields>,
    /// The other spans that it stands in, outermost first.
    pub(super) spans: &'a [(&'static str, Fields)],
}

impl<R: Render> Lines<R> {
    pub(super) fn new(render: R, write: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { render, write }
    }
}

impl<S, R> Layer<S> for Lines<R>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    R: Render,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (mut job, mut spans) = (None, Vec::new());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            let fields = span.extensions().get::<Fields>().cloned().unwrap_or_default();
            match is_job(span.metadata()) {
                true => job = Some(fields),
                false => spans.push((span.name(), fields)),
            }
        }
        let (time, metadata) = (Timestamp::now(), event.metadata());
        let line = Line { time, metadata, fields: &fields, job: job.as_ref(), spans: &spans };
        (self.write)(&self.render.render(&line));
    }
}

/// Whether this is the span that the worker puts round every attempt.
fn is_job(span: &Metadata<'_>) -> bool {
    span.name() == "job" && span.target().starts_with(concat!(env!("CARGO_CRATE_NAME"), "::worker"))
}
