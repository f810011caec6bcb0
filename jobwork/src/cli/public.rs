use serde_json::Value;

use crate::job::Record;

/// A job as JSON, without its arguments and its output: they may be secret.
pub(super) fn public(job: &Record) -> serde_json::Result<Value> {
    let mut json = serde_json::to_value(job)?;
    if let Some(fields) = json.as_object_mut() {
        fields.remove("args");
        fields.remove("output");
    }
    Ok(json)
}

/// The state, with what stands in the way of the next one.
pub(super) fn state(job: &Record) -> String {
    match (job.blocked, job.cancel_requested, &job.held_by) {
        (true, ..) => format!("{} (blocked)", job.state),
        (_, true, _) => format!("{} (told to stop)", job.state),
        (.., Some(key)) => format!("{} (held by {key})", job.state),
        _ => job.state.to_string(),
    }
}
