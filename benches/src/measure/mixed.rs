//! Jobs as they are in life: one in twenty fails and is tried again, one in twenty waits for 50 ms, one in a hundred is
//! cancelled, and there are a hundred queues.

use std::time::Duration;

use anyhow::{Result, ensure};
use jobwork::Jobs;
use jobwork::store::CancelAnswer;

use super::scene::{AT_ONCE, Numbers, Scene, TASKS, from_tasks};
use crate::figure::Figure;
use crate::jobs::Uneven;
use crate::tally::{Count, TALLY};
use crate::worker;

/// What becomes of the job of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Succeeds,
    Fails,
    Waits,
    Cancelled,
}

const fn fate(number: u64) -> Fate {
    match (number % 20, number % 100) {
        (0, _) => Fate::Fails,
        (1, _) => Fate::Waits,
        (_, 2) => Fate::Cancelled,
        _ => Fate::Succeeds,
    }
}

/// Dispatched from 64 tasks beside the worker: from the first dispatch until the end of the last job is stored.
pub(super) async fn measure(scene: &Scene) -> Result<Figure> {
    let of = |wanted| (0..scene.count).filter(move |number| fate(*number) == wanted);
    let runs = Count::of((0..scene.count).filter(|number| fate(*number) != Fate::Cancelled));
    TALLY.expect(runs.jobs);
    let worker = worker::start(&scene.jobs, AT_ONCE).await?;
    let meter = scene.meter()?;
    from_tasks(TASKS, scene.count, |numbers| dispatch(numbers, scene.jobs.clone())).await?;
    scene.all_done().await?;
    let figure = meter.stop(scene.count)?;
    worker.stop_and_wait().await;
    TALLY.count().check(runs)?;
    let (failed, meant) = (TALLY.failures(), of(Fate::Fails).count() as u64);
    ensure!(failed == meant, "expected {meant} attempts to fail, {failed} did");
    Ok(figure)
}

async fn dispatch(numbers: Numbers, jobs: Jobs) -> Result<()> {
    for number in numbers {
        dispatch_one(number, &jobs).await?;
    }
    Ok(())
}

async fn dispatch_one(number: u64, jobs: &Jobs) -> Result<()> {
    let fate = fate(number);
    let job = Uneven::dispatch(number, fate == Fate::Fails).queue(format!("queue-{}", number / 7 % 100)).on(jobs);
    match fate {
        Fate::Succeeds | Fate::Fails => drop(job.await?),
        Fate::Waits => drop(job.delay(Duration::from_millis(50)).await?),
        Fate::Cancelled => {
            // So long that it can't have begun before it is cancelled.
            let handle = job.delay(Duration::from_secs(3_600)).await?;
            let answer = handle.cancel().await?;
            ensure!(answer == CancelAnswer::Cancelled, "expected job {number} to be cancelled, but it was {answer:?}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_as_promised() {
        let count = |wanted| (0..1_000).filter(|number| fate(*number) == wanted).count();
        assert_eq!((count(Fate::Fails), count(Fate::Waits), count(Fate::Cancelled)), (50, 50, 10));
    }
}
