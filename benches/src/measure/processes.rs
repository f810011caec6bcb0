//! Many processes on one store.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jobwork::Jobs;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::scene::Scene;
use crate::figure::{Figure, Process};
use crate::jobs::Load;
use crate::tally::Count;
use crate::task::{Other, Task};
use crate::usage::Meter;
use crate::worker::{Work, Worked};
use crate::{problems, task};

/// So many processes dispatch, and so many work.
const EACH: u64 = 8;

/// So many tasks of a process dispatch: 64 in all.
const TASKS: u64 = 8;

/// So many jobs run at a time in a process: the default of a worker.
const AT_ONCE: usize = 100;

/// To dispatch one job after another for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dispatcher {
    url: String,
    load: Load,
    seconds: f64,
    /// Which of the dispatching processes this is.
    index: u64,
}

/// What a dispatching process has done.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Dispatched {
    figure: Figure,
    stored: Count,
    /// The longest that a dispatch took, in microseconds.
    longest: f64,
}

/// Until the dispatching processes have ended and all that they dispatched is done.
pub(super) async fn measure(scene: &Scene, seconds: f64) -> Result<Figure> {
    let work = || Other::start(&Task::Work(Work { url: scene.url(), at_once: AT_ONCE }));
    let mut workers = (0..EACH).map(|_| work()).collect::<Result<Vec<_>>>()?;
    let mut dispatchers = (0..EACH).map(|index| dispatcher(scene, seconds, index)).collect::<Result<Vec<_>>>()?;
    workers.iter_mut().chain(&mut dispatchers).try_for_each(Other::ready)?;
    let meter = scene.meter()?;
    dispatchers.iter_mut().try_for_each(Other::go)?;
    let dispatched: Vec<Dispatched> = dispatchers.into_iter().map(Other::end).collect::<Result<_>>()?;
    scene.settled().await?;
    let own = meter.stop(0)?;
    let worked: Vec<Worked> = workers.into_iter().map(Other::end).collect::<Result<_>>()?;
    sum(&own, &dispatched, &worked)
}

fn dispatcher(scene: &Scene, seconds: f64, index: u64) -> Result<Other> {
    Other::start(&Task::Dispatch(Dispatcher { url: scene.url(), load: scene.load, seconds, index }))
}

/// What all of them did. The process that started them only watches, so what that costs is left out.
fn sum(own: &Figure, dispatched: &[Dispatched], worked: &[Worked]) -> Result<Figure> {
    let mut all = Figure { seconds: own.seconds, server: own.server, ..Figure::default() };
    let (mut stored, mut ran) = (Count::default(), Count::default());
    for one in dispatched {
        stored.join(one.stored);
        all.add_usage_of(&one.figure);
        all.processes.push(process("dispatching", one.stored.jobs, one.figure.seconds, &one.figure, Some(one.longest)));
    }
    for one in worked {
        ran.join(one.ran);
        all.add_usage_of(&one.figure);
        all.processes.push(process("working", one.ran.jobs, own.seconds, &one.figure, None));
    }
    all.jobs = ran.jobs;
    // Nobody knows of a dispatch that failed whether it stored the job, so its error may explain this one.
    ran.check(stored).with_context(|| format!("errors and warnings of the processes: {:?}", all.problems))?;
    Ok(all)
}

fn process(role: &str, jobs: u64, seconds: f64, figure: &Figure, longest: Option<f64>) -> Process {
    Process { role: role.to_owned(), jobs, rate: jobs as f64 / seconds, cpu_seconds: figure.cpu_seconds, longest }
}

impl Dispatcher {
    /// Dispatches when it is told to.
    pub(crate) async fn run(self) -> Result<impl Serialize> {
        let jobs = Jobs::connect(&self.url).await?;
        task::say_ready();
        task::told().await?;
        let meter = Meter::start()?;
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            tasks.spawn(dispatch(self.load, jobs.clone(), self.index * TASKS + task, end));
        }
        let (mut stored, mut longest) = (Count::default(), Duration::ZERO);
        while let Some(done) = tasks.join_next().await {
            let (some, wait) = done?;
            stored.join(some);
            longest = longest.max(wait);
        }
        let mut figure = meter.stop(stored.jobs)?;
        figure.problems = problems::so_far();
        Ok(Dispatched { figure, stored, longest: longest.as_secs_f64() * 1e6 })
    }
}

/// Dispatches jobs with numbers that no other task gives, and says which were stored and how long the slowest one took.
async fn dispatch(load: Load, jobs: Jobs, task: u64, end: Instant) -> (Count, Duration) {
    let (mut stored, mut longest) = (Count::default(), Duration::ZERO);
    let mut numbers = (task..).step_by((EACH * TASKS) as usize);
    while let Some(number) = numbers.next().filter(|_| Instant::now() < end) {
        let begun = Instant::now();
        match load.dispatch(number, &jobs).await {
            Ok(()) => stored.add(number),
            Err(error) => problems::note(error),
        }
        longest = longest.max(begun.elapsed());
    }
    (stored, longest)
}
