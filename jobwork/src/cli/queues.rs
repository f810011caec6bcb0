use clap::Command;

use super::exit::Failure;
use super::out::{Out, Row};
use super::time;
use crate::client::Jobs;

pub(super) fn command() -> Command {
    Command::new("queues").about("Lists the queues that hold jobs")
}

pub(super) async fn run(jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let now = jobs.now();
    let mut rows = Vec::new();
    for queue in jobs.inspect()?.queues(now).await? {
        let cells = [
            queue.queue.clone(),
            queue.ready.to_string(),
            queue.running.to_string(),
            queue.scheduled.to_string(),
            queue.waiting.to_string(),
            queue.oldest_due.map_or_else(|| "-".to_owned(), |due| time::distance(due, now)),
        ];
        rows.push(Row { json: serde_json::to_value(queue)?, cells });
    }
    Ok(out.rows(["QUEUE", "READY", "RUNNING", "SCHEDULED", "WAITING", "OLDEST DUE"], &rows)?)
}
