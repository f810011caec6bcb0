//! The form in which a push reaches the server's functions, and what they answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::flag;
use super::rows::{batch_id, batch_row_of, duration, job_id, millis};
use super::text;
use crate::error::{Error, Result};
use crate::job::{BatchId, BatchPlace, JobId, Limit, NewBatch, NewJob, OnConflict, Unique};
use crate::store::{Push, Pushed, Stored};

/// Refuses what no store could keep, and what Postgres can't, before others share a statement with them.
pub(super) fn check(push: &Push) -> Result<()> {
    push.check()?;
    for (index, job) in push.jobs.iter().enumerate() {
        if words(job).any(|word| word.contains('\0')) {
            let problem = format!(
                "job {index} of a push has a zero byte in its name, queue, tags, error handler or the name of an argument, which \
                 Postgres can't keep"
            );
            return Err(Error::store(problem));
        }
        if job.name.len() > LONGEST || job.queue.len() > LONGEST {
            let problem = format!("job {index} of a push has a name or a queue of more than {LONGEST} bytes");
            return Err(Error::store(problem));
        }
    }
    Ok(())
}

/// What a job carries that is compared, and so is stored as it is.
fn words(job: &NewJob) -> impl Iterator<Item = &str> {
    let handler = job.chain.iter().filter_map(|chain| chain.on_error.as_deref());
    let slots = job.waits.iter().filter_map(|wait| wait.slot.as_deref());
    [&*job.name, &*job.queue].into_iter().chain(job.tags.iter().map(String::as_str)).chain(handler).chain(slots)
}

/// A name and a queue stand together in an entry of an index, of which Postgres limits the size.
const LONGEST: usize = 1_000;

/// Whether nothing is special about any job of a push.
pub(super) fn are_plain(push: &Push) -> bool {
    push.batches.is_empty() && push.jobs.iter().all(is_plain)
}

fn is_plain(job: &NewJob) -> bool {
    let flow = &job.flow;
    let shares = flow.unique.is_some() || flow.ordered.is_some() || !flow.limits.is_empty() || job.batch.is_some();
    let kept = job.retain.is_some_and(|time| !time.is_zero());
    let times = job.expires_at.is_some() || job.retry_until.is_some() || kept;
    !shares && !times && job.tags.is_empty() && job.waits.is_empty() && job.chain.is_none()
}

/// The flags of a plain job: it may be gone when it has completed.
pub(super) fn flags(job: &NewJob) -> i32 {
    if job.retain.is_some() { flag::FLEETING } else { 0 }
}

/// A push as the function `push` takes it. What is not special about a job is left out.
pub(super) fn push(push: &Push) -> Value {
    let jobs: Vec<Value> = push.jobs.iter().map(job).collect();
    let batches: Vec<Value> = push.batches.iter().map(batch).collect();
    json!({ "now": millis(push.now), "jobs": jobs, "batches": batches })
}

fn job(job: &NewJob) -> Value {
    let mut new = Map::new();
    let mut set = |key: &str, value: Value| drop(new.insert(key.to_owned(), value));
    set("name", json!(job.name));
    set("queue", json!(job.queue));
    set("args", json!(text::stored(&job.args)));
    set("priority", json!(job.priority));
    set("retries", json!(job.retries));
    set("version", json!(job.version));
    let times = [("run_at", job.run_at), ("expires_at", job.expires_at), ("retry_until", job.retry_until)];
    for (key, time) in times.into_iter().filter_map(|(key, time)| time.map(|time| (key, time))) {
        set(key, json!(millis(time)));
    }
    if let Some(retain) = job.retain {
        set("retain", json!(if retain.is_zero() { 0 } else { duration(retain).max(1) }));
    }
    if !job.tags.is_empty() {
        set("tags", json!(job.tags));
    }
    if !job.waits.is_empty() {
        let waits = job.waits.iter().map(|wait| json!({ "on": wait.on, "slot": wait.slot }));
        set("waits", waits.collect());
    }
    if let Some(chain) = &job.chain {
        set("chain", json!({ "first": chain.first, "position": chain.position, "on_error": chain.on_error }));
    }
    if let Some(key) = &job.flow.unique {
        set("unique", unique(key));
    }
    if let Some(key) = &job.flow.ordered {
        set("ordered", json!(text::stored(key)));
    }
    if !job.flow.limits.is_empty() {
        set("limits", json!(job.flow.limits.iter().map(limit).collect::<Vec<_>>()));
    }
    if let Some(batch) = job.batch {
        set("batch", place(batch));
    }
    Value::Object(new)
}

fn limit(limit: &Limit) -> Limit {
    Limit { key: text::stored(&limit.key).into_owned(), rule: limit.rule }
}

fn unique(unique: &Unique) -> Value {
    let on_conflict = match unique.on_conflict {
        OnConflict::Skip => json!("skip"),
        OnConflict::Error => json!("error"),
        OnConflict::Replace { args, schedule, at_most } => {
            json!({ "replace": { "args": args, "schedule": schedule, "at_most": at_most.map(duration) } })
        }
    };
    let window = unique.window.map(duration);
    json!({ "key": text::stored(&unique.key), "states": unique.states.bits(), "window": window, "on_conflict": on_conflict })
}

fn batch(batch: &NewBatch) -> Value {
    let parent = batch.parent.map(place);
    let (on_complete, on_success, on_death) = (batch.on_complete, batch.on_success, batch.on_death);
    let mut new = json!({
        "description": text::stored(&batch.description), "on_complete": on_complete, "on_success": on_success, "on_death": on_death,
    });
    if let Some(parent) = parent {
        new["parent"] = parent;
    }
    new
}

fn place(place: BatchPlace) -> Value {
    match place {
        BatchPlace::New(index) => json!({ "new": index }),
        BatchPlace::Stored(id) => {
            let (seq, created_at) = batch_row_of(id);
            json!({ "seq": seq, "created_at": created_at, "id": id })
        }
    }
}

/// What became of a push.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// It was stored.
    Stored {
        /// The number of each job, or of the one that has its key.
        jobs: Vec<i64>,
        /// By the index of a job that was left out, when the one that has its key was dispatched.
        existing: BTreeMap<String, i64>,
        /// The numbers of the batches.
        batches: Vec<i64>,
    },
    /// It was not.
    Refused {
        /// The code of the reason.
        refused: String,
        /// What the reason is about.
        detail: Detail,
    },
}

/// What a refusal is about.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    job: Option<String>,
    existing: Option<JobId>,
    batch: Option<BatchId>,
}

impl Answer {
    /// The answer in the words of the domain.
    pub(super) fn stored(self, push: &Push) -> Result<Stored> {
        let now = millis(push.now);
        match self {
            Self::Stored { jobs, existing, batches } => {
                let pushed = jobs.into_iter().enumerate().map(|(index, seq)| match existing.get(&index.to_string()) {
                    Some(created_at) => Pushed::Existing(job_id(seq, *created_at)),
                    None => Pushed::New(job_id(seq, now)),
                });
                let batches = batches.into_iter().map(|seq| batch_id(seq, now)).collect();
                Ok(Stored::new(pushed.collect(), batches))
            }
            Self::Refused { refused, detail } => Err(match (refused.as_str(), detail.batch) {
                ("JW002", Some(batch)) => Error::NoSuchBatch(batch),
                ("JW003", Some(batch)) => Error::BatchClosed(batch),
                _ => Error::Duplicate { job: detail.job.unwrap_or_default(), existing: detail.existing },
            }),
        }
    }
}
