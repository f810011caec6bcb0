use std::fmt;

use super::deed::Deed;
use super::guard::Guard;
use super::scenario::{Faults, Scenario};
use super::state::State;

/// A step from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What a process does, or what happens to it.
    Process(usize, Deed),
    /// A claim that nobody waits for any more, by its place among those, arrives and is given this job.
    Arrive(usize, usize),
    /// The lease of a worker runs out.
    LeaseRunsOut(u8),
    /// Somebody cancels a job by hand.
    Cancel(usize),
    /// From now on nothing goes wrong any more, and what is open must come to an end by itself.
    Calm,
}

impl Action {
    /// All that may happen next, among it what will turn out to change nothing.
    pub(super) fn all(state: &State, scenario: &Scenario, actions: &mut Vec<Self>) {
        for process in 0..state.processes.len() {
            let deeds = Deed::all(state, scenario, process);
            actions.extend(deeds.into_iter().map(|deed| Self::Process(process, deed)));
        }
        let jobs = 0..state.store.jobs.len();
        for late in 0..state.late.len() {
            actions.extend(jobs.clone().map(|job| Self::Arrive(late, job)));
        }
        let workers = state.store.workers.iter().map(|worker| worker.id);
        actions.extend(workers.filter(|id| !keeps_its_lease(state, scenario, *id)).map(Self::LeaseRunsOut));
        if state.left != Faults::default() {
            actions.push(Self::Calm);
        }
        if state.left.cancels > 0 {
            let open = jobs.filter(|job| !state.store.jobs[*job].has_ended());
            actions.extend(open.map(Self::Cancel));
        }
    }

    /// Makes of a state what follows from it.
    pub(super) fn apply(self, state: &mut State, scenario: &Scenario) {
        match self {
            Self::Process(process, deed) => deed.apply(state, scenario, process),
            Self::Arrive(late, job) => {
                let (worker, token) = state.late.remove(late);
                state.store.claim(&scenario.rules, worker, token, job);
            }
            Self::LeaseRunsOut(id) => {
                state
                    .store
                    .workers
                    .iter_mut()
                    .filter(|worker| worker.id == id)
                    .for_each(|worker| worker.expired = true);
            }
            Self::Calm => state.left = Faults::default(),
            Self::Cancel(job) => {
                state.left.cancels -= 1;
                state.store.cancel(job);
            }
        }
    }
}

/// Whether a worker's lease can't run out: it lives, reaches the store, and beats whatever its jobs do.
fn keeps_its_lease(state: &State, scenario: &Scenario, worker: u8) -> bool {
    let beats = |is_busy: bool| scenario.rules.has(Guard::Heartbeat) || !is_busy;
    state.processes.iter().any(|it| it.worker == worker && it.reaches_the_store() && beats(it.is_busy()))
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(process, deed) => write!(f, "process {process} {deed}"),
            Self::Arrive(_, job) => write!(f, "a claim that was given up arrives, and gets job {job}"),
            Self::LeaseRunsOut(worker) => write!(f, "the lease of worker {worker} runs out"),
            Self::Calm => f.write_str("nothing goes wrong any more"),
            Self::Cancel(job) => write!(f, "somebody cancels job {job}"),
        }
    }
}
