use super::guard::Guard;
use super::law::Law;
use super::process::Process;
use super::scenario::{Faults, Scenario};
use super::store::{Job, Store};

/// All there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store.
    pub store: Store,
    /// The processes that work.
    pub processes: Vec<Process>,
    /// Claims that are still under way, though nobody waits for them any more: whose, and their tokens.
    pub late: Vec<(u8, u8)>,
    /// The worker that the next one to join will be.
    pub next_worker: u8,
    /// The token of the next claim that is not answered.
    pub next_token: u8,
    /// What may still go wrong.
    pub left: Faults,
    /// The laws that the last step broke.
    pub broken: Vec<Law>,
}

impl State {
    /// All jobs are acknowledged, and all processes have joined.
    #[must_use]
    pub fn first(scenario: &Scenario) -> Self {
        let mut store =
            Store { jobs: scenario.jobs.iter().map(|after| Job::new(*after)).collect(), workers: Vec::new() };
        (0..scenario.processes).for_each(|id| store.join(id));
        Self {
            store,
            processes: (0..scenario.processes).map(Process::new).collect(),
            late: Vec::new(),
            next_worker: scenario.processes,
            next_token: 1,
            left: scenario.faults,
            broken: Vec::new(),
        }
    }

    /// A process joins as a new worker.
    pub(super) fn join(&mut self, process: usize, scenario: &Scenario) {
        if scenario.rules.has(Guard::FreshIds) {
            self.processes[process].worker = self.next_worker;
            self.next_worker += 1;
        }
        self.store.join(self.processes[process].worker);
    }

    /// A worker and the token of a claim of it whose answer will not come; its process remembers the token.
    pub(super) fn unanswered(&mut self, process: usize, scenario: &Scenario) -> (u8, u8) {
        let (it, token) = (&mut self.processes[process], self.next_token);
        self.next_token += 1;
        if scenario.rules.has(Guard::Tokens) {
            it.unanswered.push(token);
        }
        (it.worker, token)
    }

    /// A process renews its lease, and hears which of its jobs are to be cancelled; or that it was declared dead, whereupon it lets go of
    /// its jobs and goes on as another worker.
    pub(super) fn beat(&mut self, process: usize, scenario: &Scenario) {
        let it = &mut self.processes[process];
        match self.store.beat(it.worker) {
            Some(cancelled) => it.tell(&cancelled),
            None if scenario.rules.has(Guard::StartsOver) => {
                it.lose_all();
                self.join(process, scenario);
            }
            None => {}
        }
    }
}
