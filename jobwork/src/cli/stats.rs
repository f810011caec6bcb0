use clap::Command;

use super::exit::Failure;
use super::out::Out;
use crate::client::Jobs;
use crate::job::JobState;

pub(super) fn command() -> Command {
    Command::new("stats").about("Counts the jobs in each state, and the workers")
}

pub(super) async fn run(jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let now = jobs.now();
    let mut counts = jobs.inspect()?.counts(now).await?;
    let workers = jobs.inspect()?.workers(now).await?.len();
    if out.is_json() {
        let mut document = serde_json::to_value(counts)?;
        document["workers"] = workers.into();
        return Ok(out.json(&document)?);
    }
    let states = JobState::ALL.map(|state| (state.as_str(), counts.of(state).to_string()));
    let lines: Vec<_> = states.into_iter().chain([("workers", workers.to_string())]).collect();
    Ok(out.fields(&lines)?)
}
