use std::time::{Duration, Instant};

use stateright::{Checker, Model, Path, Property};

use super::action::Action;
use super::guard::Twin;
use super::law::{Law, Step};
use super::scenario::{Rules, SCENARIOS, Scenario};
use super::state::State;
use super::store::{Ending, JobState};

/// The protocol, or a broken twin of it, in one scenario.
#[derive(Clone, Debug)]
pub struct Protocol(pub Scenario);

/// What came of exploring every state there is.
#[derive(Clone, Debug)]
pub struct Explored {
    /// How many there are.
    pub states: usize,
    /// The longest of the shortest ways to one of them, in steps.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The laws that don't hold.
    pub broken: Vec<Broken>,
    /// What was seen to be possible, of [`POSSIBLE`].
    pub possible: Vec<&'static str>,
}

/// A law that doesn't hold, and a shortest way to break it.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The law.
    pub law: Law,
    /// The way, step by step.
    pub steps: Vec<Action>,
    /// Where it leads to.
    pub state: State,
}

type Condition = fn(&Protocol, &State) -> bool;

/// What should be possible, so that the laws don't hold because nothing happens.
pub const POSSIBLE: &[(&str, Condition)] = &[
    ("all jobs complete", |_, state| ended(state, Ending::Completed, true)),
    ("a job is cancelled", |_, state| ended(state, Ending::Cancelled, false)),
    ("a job has no retries left", |_, state| ended(state, Ending::Exhausted, false)),
    ("a job is a poison pill", |_, state| ended(state, Ending::Poison, false)),
    ("a job was rescued, and completes", |_, state| {
        state.store.jobs.iter().any(|job| job.rescues > 0 && job.state == JobState::Ended(Ending::Completed))
    }),
    ("two processes have one job", |_, state| {
        let jobs = |process: usize| state.processes[process].runs.iter().map(|run| run.lease.job).collect::<Vec<_>>();
        state.processes.len() > 1 && jobs(0).iter().any(|job| jobs(1).contains(job))
    }),
    ("an outcome is too late", |_, state| {
        let runs = state.processes.iter().flat_map(|it| &it.runs);
        runs.into_iter().any(|run| run.outcome.is_some() && state.store.owner(run.lease.job) != Some(run.lease))
    }),
    ("a claim is refused", |_, state| {
        let refused =
            |late: &(u8, u8)| state.store.worker(late.0).is_some_and(|worker| worker.refused.contains(&late.1));
        state.late.iter().any(refused)
    }),
];

fn ended(state: &State, ending: Ending, all: bool) -> bool {
    let mut jobs = state.store.jobs.iter().map(|job| job.state == JobState::Ended(ending));
    if all { jobs.all(|is| is) } else { jobs.any(|is| is) }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(&self.0)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        Action::all(state, &self.0, actions);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        action.apply(&mut after, &self.0);
        if after == *before {
            return None;
        }
        let step = Step { scenario: &self.0, before, action, after: &after };
        let broken = Law::ALL.iter().copied().filter(|law| !law.holds(&step)).collect();
        after.broken = broken;
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let possible = POSSIBLE.iter().map(|(name, condition)| Property::sometimes(name, *condition));
        Law::ALL.iter().map(|law| law.property()).chain(possible).collect()
    }
}

/// Explores a scenario whole, on as many threads.
#[must_use]
pub fn explore(scenario: &Scenario, threads: usize) -> Explored {
    let began = Instant::now();
    let checker = Protocol(scenario.clone()).checker().threads(threads).spawn_bfs().join();
    explored(&checker, began)
}

/// Looks for a shortest way in which a twin breaks a law, and explores no more than it takes.
///
/// # Panics
/// If the twin's scenario is not there.
#[must_use]
pub fn explore_twin(twin: &Twin) -> Explored {
    let began = Instant::now();
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == twin.scenario).expect("a scenario of that name");
    let rules = Rules { without: Some(twin.without), ..scenario.rules };
    let broken = Protocol(Scenario { rules, ..scenario.clone() });
    let mut depth = 1;
    loop {
        // The checker goes on for a while when it has found something, so it is let no further than it has to go, step by step.
        depth += 1;
        let checker = broken.clone().checker().target_max_depth(depth).spawn_bfs().join();
        let (explored, is_all) = (explored(&checker, began), checker.max_depth() < depth);
        if is_all || !explored.broken.is_empty() {
            return explored;
        }
    }
}

fn explored(checker: &impl Checker<Protocol>, began: Instant) -> Explored {
    let mut found = checker.discoveries();
    let mut broken: Vec<Broken> =
        Law::ALL.iter().filter_map(|law| Some(Broken::new(*law, found.remove(law.name())?))).collect();
    broken.sort_by_key(|broken| broken.steps.len());
    Explored {
        states: checker.unique_state_count(),
        depth: checker.max_depth() - 1,
        took: began.elapsed(),
        broken,
        possible: POSSIBLE.iter().map(|(name, _)| *name).filter(|name| found.contains_key(name)).collect(),
    }
}

impl Explored {
    /// The way to break a law, if no other one is broken sooner.
    #[must_use]
    pub fn breaks_first(&self, law: Law) -> Option<&Broken> {
        let shortest = self.broken.first()?.steps.len();
        self.broken.iter().find(|broken| broken.law == law && broken.steps.len() == shortest)
    }
}

impl Broken {
    fn new(law: Law, path: Path<State, Action>) -> Self {
        let state = path.last_state().clone();
        Self { law, steps: path.into_actions(), state }
    }
}
