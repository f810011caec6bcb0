use std::collections::BTreeSet;
use std::time::Duration;

use jobwork::store::Filter;
use jobwork::{JobId, JobState, Jobs, Record};
use tokio::time::Instant;

use super::dispatcher;
use super::world::World;
use crate::history::{Event, Remains};

/// When nothing is disturbed any more, everything is done after this long.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// So often there is a look at whether everything is done.
const LOOKS: Duration = Duration::from_secs(1);

/// Waits until every job has ended; says which have not within the limit. What is left of a chain with a dead member is cancelled, as an operator
/// would do it who does not want it to go on.
pub(super) async fn wait(world: &World) -> Vec<JobId> {
    let (jobs, begun) = (world.observer(), Instant::now());
    loop {
        let records = all(&jobs).await;
        let open: Vec<&Record> = records.iter().filter(|job| !job.state.is_final()).collect();
        if open.is_empty() || begun.elapsed() > LIMIT {
            return open.into_iter().map(|job| job.id).collect();
        }
        for job in blocked(&records, &open) {
            dispatcher::cancel(&jobs, &world.history, job).await.expect("the store itself does not fail");
        }
        tokio::time::sleep(LOOKS).await;
    }
}

/// The jobs that wait in chains of which a member is dead.
fn blocked(records: &[Record], open: &[&Record]) -> Vec<JobId> {
    let chain = |job: &Record| job.chain.as_ref().map(|member| member.chain);
    let dead = records.iter().filter(|job| job.state == JobState::Dead);
    let dead: BTreeSet<JobId> = dead.filter_map(chain).collect();
    let blocked = |job: &&&Record| job.state == JobState::Waiting && chain(job).is_some_and(|id| dead.contains(&id));
    open.iter().filter(blocked).map(|job| job.id).collect()
}

/// Writes down what is left of every job.
pub(super) async fn write_down(world: &World) {
    let jobs = world.observer();
    for job in all(&jobs).await {
        let history = jobs.history(job.id).await.expect("the store itself does not fail");
        world.history.add(Event::Remains(Remains {
            job: job.id,
            state: job.state,
            attempt: job.attempt,
            rescues: job.rescues,
            args: job.args,
            output: job.output,
            reason: job.reason,
            story: history.into_iter().map(|attempt| (attempt.attempt, attempt.outcome)).collect(),
        }));
    }
}

/// All jobs, in the order of their dispatch.
async fn all(jobs: &Jobs) -> Vec<Record> {
    let mut records = jobs.list(&Filter::default()).await.expect("the store itself does not fail");
    records.reverse();
    records
}
