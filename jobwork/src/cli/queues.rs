use std::collections::BTreeMap;

use clap::Command;
use jiff::Timestamp;
use serde_json::Value;

use super::exit::Failure;
use super::out::{Out, Row};
use super::{limit, time};
use crate::client::Jobs;
use crate::error::Result;
use crate::store::{Pause, QueueCounts, QueueLimit, Target};

/// A queue, and what holds its jobs back.
struct Queue {
    counts: QueueCounts,
    /// The pause that ends last, whose target may be everything.
    pause: Option<Pause>,
    limit: Option<QueueLimit>,
}

pub(super) fn command() -> Command {
    Command::new("queues").about("Lists the queues that hold jobs, are paused or have limits")
}

pub(super) async fn run(jobs: &Jobs, out: &mut Out<'_>) -> std::result::Result<(), Failure> {
    let now = jobs.now();
    let mut rows = Vec::new();
    for queue in found(jobs, now).await? {
        rows.push(Row { json: queue.json()?, cells: queue.cells(now) });
    }
    let head = ["QUEUE", "READY", "RUNNING", "SCHEDULED", "WAITING", "OLDEST DUE", "PAUSED", "LIMIT"];
    Ok(out.rows(head, &rows)?)
}

/// All there are, by name.
async fn found(jobs: &Jobs, now: Timestamp) -> Result<impl Iterator<Item = Queue>> {
    let counts = jobs.inspect()?.queues(now).await?;
    let (pauses, limits) = match jobs.store().control() {
        Some(control) => (control.pauses(now).await?, control.queue_limits().await?),
        None => (Vec::new(), Vec::new()),
    };
    let mut queues: BTreeMap<String, QueueCounts> =
        counts.into_iter().map(|counts| (counts.queue.clone(), counts)).collect();
    let paused = pauses.iter().filter_map(|pause| match &pause.target {
        Target::Queue(queue) => Some(queue),
        _ => None,
    });
    for queue in paused.chain(limits.iter().map(|(queue, _)| queue)) {
        queues.entry(queue.clone()).or_insert_with(|| QueueCounts::empty(queue));
    }
    let limits: BTreeMap<String, QueueLimit> = limits.into_iter().collect();
    Ok(queues.into_values().map(move |counts| Queue {
        pause: last_pause(&pauses, &counts.queue),
        limit: limits.get(&counts.queue).copied(),
        counts,
    }))
}

fn last_pause(pauses: &[Pause], queue: &str) -> Option<Pause> {
    let concerns = |pause: &&Pause| match &pause.target {
        Target::Everything => true,
        Target::Queue(paused) => paused == queue,
        Target::Job(_) => false,
    };
    pauses.iter().filter(concerns).max_by_key(|pause| (pause.until.is_none(), pause.until)).cloned()
}

impl Queue {
    fn json(&self) -> serde_json::Result<Value> {
        let mut json = serde_json::to_value(&self.counts)?;
        json["paused"] = self.pause.is_some().into();
        json["paused_until"] = serde_json::to_value(self.pause.as_ref().and_then(|pause| pause.until))?;
        json["limit"] = serde_json::to_value(self.limit)?;
        Ok(json)
    }

    fn cells(&self, now: Timestamp) -> [String; 8] {
        let counts = &self.counts;
        let none = || "-".to_owned();
        let end = |pause: &Pause| match pause.until {
            Some(until) => format!("ends {}", time::distance(until, now)),
            None => "until resumed".to_owned(),
        };
        [
            counts.queue.clone(),
            counts.ready.to_string(),
            counts.running.to_string(),
            counts.scheduled.to_string(),
            counts.waiting.to_string(),
            counts.oldest_due.map_or_else(none, |due| time::distance(due, now)),
            self.pause.as_ref().map_or_else(none, end),
            self.limit.and_then(limit::in_words).unwrap_or_else(none),
        ]
    }
}
