use std::fmt;

use super::guard::Guard;
use super::process::{Life, Outcome, Run};
use super::scenario::Scenario;
use super::state::State;
use super::store::Lease;

/// What a process does, or what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It claims a job.
    Claim(usize),
    /// It claims a job, and the answer is lost.
    ClaimUnanswered(usize),
    /// It claims, and has given up before the claim even arrives.
    ClaimDelayed,
    /// It gives back the claims whose answers did not come.
    GiveBack,
    /// A run of it ends, with this outcome.
    Return(Lease, Outcome),
    /// It gives up a run that has not begun, since it has no room for it.
    LetGo(Lease),
    /// It writes the outcome of a run.
    Write(Lease, Outcome),
    /// It writes the outcome of a run, and the answer is lost.
    WriteUnanswered(Lease, Outcome),
    /// It can't write the outcome of a run.
    WriteFails(Lease),
    /// It renews its lease, and hears what it should know.
    Beat,
    /// It takes the jobs of dead workers from them.
    Rescue,
    /// It can't reach the store any more.
    CutOff,
    /// It reaches the store again.
    Reconnect,
    /// It is killed.
    Crash,
    /// It is told to stop.
    Stop,
    /// It stops, has nothing more to write, and leaves.
    Leave,
    /// It stops, can't write its outcomes in time, and leaves all the same.
    LeaveUnwritten,
    /// It starts again.
    Start,
}

impl Deed {
    /// All that may come of a process next.
    pub(super) fn all(state: &State, scenario: &Scenario, process: usize) -> Vec<Self> {
        let (it, left, mut deeds) = (&state.processes[process], &state.left, Vec::new());
        if it.life == Life::Down {
            return vec![Self::Start];
        }
        let mut may = |possible: bool, deed| deeds.extend(possible.then_some(deed));
        // Without a job, or while it is cut off, its end makes no difference to the store.
        may(left.crashes > 0 && it.has_something() && !it.cut_off, Self::Crash);
        may(left.cuts > 0 && it.has_something() && !it.cut_off, Self::CutOff);
        may(left.stops > 0 && it.life == Life::Up, Self::Stop);
        may(it.cut_off, Self::Reconnect);
        deeds.extend(
            it.runs.iter().filter(|run| run.outcome.is_none()).flat_map(|run| returns(state, scenario, process, run)),
        );
        if it.reaches_the_store() {
            calls(state, scenario, process, &mut deeds);
        }
        deeds
    }

    /// Makes of a state what follows from it.
    pub(super) fn apply(self, state: &mut State, scenario: &Scenario, process: usize) {
        let State { store, processes, left, .. } = state;
        let (it, rules) = (&mut processes[process], &scenario.rules);
        match self {
            Self::Claim(job) => store.claim(rules, it.worker, 0, job).into_iter().for_each(|lease| it.take(lease)),
            Self::ClaimUnanswered(job) => {
                left.losses -= 1;
                let (worker, token) = state.unanswered(process, scenario);
                state.store.claim(rules, worker, token, job);
            }
            Self::ClaimDelayed => {
                left.losses -= 1;
                let claim = state.unanswered(process, scenario);
                state.late.push(claim);
            }
            Self::GiveBack => store.give_back(rules, it.worker, &std::mem::take(&mut it.unanswered)),
            Self::Return(lease, outcome) => it.say(lease, outcome),
            Self::LetGo(lease) => {
                left.returns -= 1;
                it.say(lease, Outcome::HandedBack);
            }
            Self::Write(lease, outcome) => {
                // Stored or lost: either way there is nothing more to write.
                store.finish(rules, lease, outcome);
                it.forget(lease);
            }
            Self::WriteUnanswered(lease, outcome) => {
                left.losses -= 1;
                store.finish(rules, lease, outcome);
            }
            // Kept, to be written later.
            Self::WriteFails(_) if rules.has(Guard::WritesAgain) && rules.has(Guard::KeepsOutcomes) => {}
            Self::WriteFails(lease) if rules.has(Guard::KeepsOutcomes) => it.forget(lease),
            Self::WriteFails(lease) => it.say(lease, Outcome::HandedBack),
            Self::Beat => state.beat(process, scenario),
            Self::Rescue => store.rescue(rules, it.worker),
            Self::CutOff => {
                left.cuts -= 1;
                it.cut_off = true;
            }
            Self::Reconnect => it.cut_off = false,
            Self::Crash => {
                left.crashes -= 1;
                it.end();
            }
            Self::Stop => {
                left.stops -= 1;
                it.life = Life::Stopping;
            }
            Self::Leave | Self::LeaveUnwritten => {
                left.losses -= u8::from(self == Self::LeaveUnwritten);
                store.leave(rules, it.worker);
                it.end();
            }
            Self::Start => {
                it.life = Life::Up;
                state.join(process, scenario);
            }
        }
    }
}

/// The ways in which a run may end.
fn returns(state: &State, scenario: &Scenario, process: usize, run: &Run) -> Vec<Deed> {
    let (it, lease) = (&state.processes[process], run.lease);
    let failed = if lease.attempt > scenario.rules.retries { Outcome::Exhausted } else { Outcome::Failed };
    let interrupted = if scenario.rules.has(Guard::StopIsNoCancel) { Outcome::HandedBack } else { Outcome::Cancelled };
    let mut deeds = vec![Deed::Return(lease, Outcome::Completed)];
    deeds.push(Deed::Return(lease, if run.told { Outcome::Cancelled } else { failed }));
    match it.life {
        Life::Stopping => deeds.push(Deed::Return(lease, interrupted)),
        _ if state.left.returns > 0 => deeds.push(Deed::LetGo(lease)),
        _ => {}
    }
    deeds
}

/// What a process may ask the store for.
fn calls(state: &State, scenario: &Scenario, process: usize, deeds: &mut Vec<Deed>) {
    let (it, jobs) = (&state.processes[process], 0..state.store.jobs.len());
    let answers_get_lost = state.left.losses > 0;
    let outcomes = it.runs.iter().filter_map(|run| Some((run.lease, run.outcome?)));
    for (lease, outcome) in outcomes {
        deeds.extend([Deed::Write(lease, outcome), Deed::WriteFails(lease)]);
        deeds.extend(answers_get_lost.then_some(Deed::WriteUnanswered(lease, outcome)));
    }
    deeds.push(Deed::Beat);
    deeds.extend(scenario.rules.has(Guard::Rescuers).then_some(Deed::Rescue));
    deeds.extend((!it.unanswered.is_empty()).then_some(Deed::GiveBack));
    match it.life {
        Life::Up => {
            deeds.extend(jobs.clone().map(Deed::Claim));
            if answers_get_lost {
                deeds.extend(jobs.map(Deed::ClaimUnanswered));
                deeds.push(Deed::ClaimDelayed);
            }
        }
        _ if it.runs.is_empty() => deeds.push(Deed::Leave),
        _ if answers_get_lost && !it.is_busy() => deeds.push(Deed::LeaveUnwritten),
        _ => {}
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(job) => write!(f, "claims job {job}"),
            Self::ClaimUnanswered(job) => write!(f, "claims job {job}, and the answer is lost"),
            Self::ClaimDelayed => f.write_str("claims, and gives up before the claim arrives"),
            Self::GiveBack => f.write_str("gives back the claims whose answers did not come"),
            Self::Return(lease, outcome) => write!(f, "has ended {lease}: {outcome}"),
            Self::LetGo(lease) => write!(f, "has no room for {lease}, and gives it up"),
            Self::Write(lease, outcome) => write!(f, "writes of {lease}: {outcome}"),
            Self::WriteUnanswered(lease, outcome) => write!(f, "writes of {lease}: {outcome}; the answer is lost"),
            Self::WriteFails(lease) => write!(f, "can't write of {lease}"),
            Self::Beat => f.write_str("beats"),
            Self::Rescue => f.write_str("rescues the jobs of dead workers"),
            Self::CutOff => f.write_str("is cut off from the store"),
            Self::Reconnect => f.write_str("reaches the store again"),
            Self::Crash => f.write_str("is killed"),
            Self::Stop => f.write_str("is told to stop"),
            Self::Leave => f.write_str("leaves"),
            Self::LeaveUnwritten => f.write_str("leaves, and could not write its outcomes in time"),
            Self::Start => f.write_str("starts again"),
        }
    }
}
