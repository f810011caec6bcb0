use stateright::Property;

use super::action::Action;
use super::deed::Deed;
use super::explore::Protocol;
use super::process::{Life, Outcome};
use super::scenario::Scenario;
use super::state::State;
use super::store::{Ending, Job, JobState, Lease};

/// A step: what was, what happened, and what is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) before: &'a State,
    pub(super) action: Action,
    pub(super) after: &'a State,
}

/// Declares the laws, each with where it stands in the contract, its name, and whether a step keeps it.
macro_rules! laws {
    ($($(#[$doc:meta])+ $law:ident, $design:literal: $name:literal, $holds:expr;)+) => {
        /// A sentence of the contract (section 5 of the design), as something that can be seen in the protocol.
        ///
        /// None of them asks what is allowed: they look at what is there before and after a step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Law {
            $($(#[$doc])+ $law,)+
        }

        impl Law {
            /// All of them, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$law,)+];

            /// The sentence in a few words.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$law => $name,)+ }
            }

            /// Which sentence of section 5 of the design it is.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$law => $design,)+ }
            }

            /// Whether a step keeps it.
            pub(super) fn holds(self, step: &Step<'_>) -> bool {
                match self { $(Self::$law => $holds(step),)+ }
            }

            /// That no step breaks it, for the checker; or that all comes to an end.
            pub(super) fn property(self) -> Property<Protocol> {
                if self == Self::Ends {
                    // A job that is at rest stays so, and no way comes to a state twice: for such a property the checker is exact.
                    return Property::eventually(self.name(), |_, state: &State| state.is_at_rest());
                }
                match self {
                    $(Self::$law => Property::always($name, |_, state: &State| !state.broken.contains(&Self::$law)),)+
                }
            }
        }
    };
}

laws! {
    /// 5.1, 5.2: *A job that was acknowledged is run until it completes, is cancelled, expires or is dead; never lost, whatever is killed
    /// when.* When nothing goes wrong any more, every way ends, and with all jobs ended, but for those that are blocked behind a dead member of their chain. That a
    /// dead worker's jobs are claimed by another (5.4), and that what was handed back is run again, is part of it.
    Ends, "5.1, 5.2": "every job that was acknowledged ends", |_: &Step<'_>| true;

    /// 5.2: *never lost*. A running job belongs to a worker that the store knows, whose death would be noticed.
    HasOwner, "5.2": "a running job belongs to a worker that the store knows", has_owner;

    /// 5.2: *is cancelled*. A job that was asked to be cancelled is never handed out again.
    CancelStands, "5.2": "a job that was cancelled is not run again", cancel_stands;

    /// 5.2: A job is cancelled because somebody asked for it, for itself or for a member of its chain before it; whatever else interrupts it,
    /// it is run again.
    NobodyElseCancels, "5.2": "a job is cancelled only if somebody asked for it", nobody_else_cancels;

    /// 5.2, 5.3: A job that has ended stays as it is: it is never claimed again, and has one outcome.
    EndedStays, "5.2, 5.3": "a job that has ended stays as it is", ended_stays;

    /// 5.3: *One owner at a time.* A job is handed out only when nobody has it.
    OneOwner, "5.3": "a job has one owner at a time", one_owner;

    /// 5.3: *Every outcome is fenced by (job, attempt, worker)*, and claim. *A late writer is told `Lost` and changes nothing.*
    Fenced, "5.3": "a late writer changes nothing", fenced;

    /// 5.4: *A slow worker is not taken for dead.* Jobs are rescued from workers that were killed, or cut off for longer than their lease.
    SlowIsNotDead, "5.4": "a slow worker is not taken for dead", slow_is_not_dead;

    /// 5.4: *Rescue uses no retry.* Only failures count: neither do rescues, hand-backs or claims whose answers were lost.
    AttemptsAddUp, "5.4": "only failures use retries", attempts_add_up;

    /// 5.4: *A job that was running when its worker died three times is dead as a poison pill*; neither earlier nor later.
    PoisonAfterDeaths, "5.4": "a poison pill has that many deaths behind it", poison_after_deaths;

    /// 5.5: *Outcomes that could not be written are written later, without running the job again.* As long as a process lives, each outcome
    /// stays what it is until it is stored, or too late.
    OutcomesKept, "5.5": "outcomes are kept until they are written", outcomes_kept;

    /// 5.6: *Worker ids are fresh per start.* A worker that lives knows all jobs that are its own: no process comes to have what another one,
    /// or a claim that nobody waits for, has left behind, and which would be nobody's as long as it lives.
    OwnerKnows, "5.6": "a worker knows all jobs that it has", owner_knows;

    /// Chains (section 1, `chain!`): *a member's success and the release of the next one are one write*. The next member waits until then and no
    /// longer, and has the output.
    ChainInOrder, "chains": "a member waits until the one before it completes, and gets its output", chain_in_order;
}

impl State {
    /// Whether nothing more will become of any job by itself.
    fn is_at_rest(&self) -> bool {
        let jobs = &self.store.jobs;
        let is_dead = |job: usize| matches!(jobs[job].state, JobState::Ended(Ending::Exhausted | Ending::Poison));
        let is_blocked = |job: &Job| job.state == JobState::Waiting && job.after.is_some_and(is_dead);
        jobs.iter().all(|job| job.has_ended() || is_blocked(job))
    }
}

/// The leases of the jobs that run.
fn owners(state: &State) -> impl Iterator<Item = Lease> {
    (0..state.store.jobs.len()).filter_map(|job| state.store.owner(job))
}

/// Each job before and after a step.
fn jobs<'a>(step: &Step<'a>) -> impl Iterator<Item = (&'a Job, &'a Job)> {
    step.before.store.jobs.iter().zip(&step.after.store.jobs)
}

fn has_owner(step: &Step<'_>) -> bool {
    owners(step.after).all(|owner| step.after.store.worker(owner.worker).is_some())
}

fn cancel_stands(step: &Step<'_>) -> bool {
    jobs(step).all(|(before, after)| !before.cancel_requested || after.claims == before.claims)
        && step.after.store.jobs.iter().all(|job| !(job.cancel_requested && job.state == JobState::Ready))
}

fn nobody_else_cancels(step: &Step<'_>) -> bool {
    let jobs = &step.after.store.jobs;
    let asked = |job: &Job| {
        job.cancel_requested || job.after.is_some_and(|before| jobs[before].state == JobState::Ended(Ending::Cancelled))
    };
    jobs.iter().all(|job| job.state != JobState::Ended(Ending::Cancelled) || asked(job))
}

fn ended_stays(step: &Step<'_>) -> bool {
    // What it would have been given is written into it all the same: it may be retried by hand.
    jobs(step).all(|(before, after)| !before.has_ended() || *after == Job { input: after.input, ..before.clone() })
}

fn one_owner(step: &Step<'_>) -> bool {
    jobs(step).all(|(before, after)| after.claims == before.claims || !matches!(before.state, JobState::Running { .. }))
}

fn fenced(step: &Step<'_>) -> bool {
    let Action::Process(_, Deed::Write(lease, _) | Deed::WriteUnanswered(lease, _)) = step.action else { return true };
    step.before.store.owner(lease.job) == Some(lease) || step.before.store == step.after.store
}

fn slow_is_not_dead(step: &Step<'_>) -> bool {
    let lives = |worker: u8| step.before.processes.iter().any(|it| it.worker == worker && it.reaches_the_store());
    let expired = |worker: u8| step.before.store.worker(worker).is_some_and(|worker| worker.expired);
    let rescued = |(number, (before, after)): (usize, (&Job, &Job))| {
        (after.rescues > before.rescues).then(|| step.before.store.owner(number)).flatten()
    };
    match step.action {
        Action::LeaseRunsOut(worker) => !lives(worker),
        _ => jobs(step).enumerate().filter_map(rescued).all(|owner| expired(owner.worker)),
    }
}

fn attempts_add_up(step: &Step<'_>) -> bool {
    step.after.store.jobs.iter().all(|job| {
        let counted = job.attempt.checked_sub(job.failures);
        match job.state {
            JobState::Running { .. } | JobState::Ended(Ending::Completed) => counted == Some(1),
            JobState::Ended(Ending::Cancelled) => counted.is_some_and(|runs| runs <= 1),
            JobState::Ended(Ending::Exhausted) => counted == Some(0) && job.failures == step.scenario.rules.retries + 1,
            JobState::Waiting | JobState::Ready | JobState::Ended(Ending::Poison) => counted == Some(0),
        }
    })
}

fn poison_after_deaths(step: &Step<'_>) -> bool {
    let deaths = step.scenario.rules.poison_after;
    step.after.store.jobs.iter().all(|job| match job.state {
        JobState::Ended(Ending::Poison) => job.rescues == deaths,
        JobState::Ended(_) => true,
        _ => job.rescues < deaths,
    })
}

fn outcomes_kept(step: &Step<'_>) -> bool {
    let lives = |process: usize| {
        step.before.processes[process].life != Life::Down && step.after.processes[process].life != Life::Down
    };
    let kept = |process: usize, lease: Lease, outcome: Outcome| {
        let after = step.after.processes[process].runs.iter().find(|run| run.lease == lease);
        match after {
            Some(run) => run.outcome == Some(outcome),
            None => step.after.store.owner(lease.job) != Some(lease),
        }
    };
    (0..step.before.processes.len()).filter(|process| lives(*process)).all(|process| {
        let said = step.before.processes[process].runs.iter().filter_map(|run| Some((run.lease, run.outcome?)));
        said.into_iter().all(|(lease, outcome)| kept(process, lease, outcome))
    })
}

fn owner_knows(step: &Step<'_>) -> bool {
    owners(step.after).all(|owner| {
        let mut lives = step.after.processes.iter().filter(|it| it.worker == owner.worker && it.life != Life::Down);
        lives.all(|it| {
            let token = match step.after.store.jobs[owner.job].state {
                JobState::Running { token, .. } => token,
                _ => 0,
            };
            it.unanswered.contains(&token) || it.runs.iter().any(|run| run.lease == owner)
        })
    })
}

fn chain_in_order(step: &Step<'_>) -> bool {
    let jobs = &step.after.store.jobs;
    jobs.iter().filter_map(|job| Some((job, &jobs[job.after?]))).all(|(job, before)| {
        let completed = before.state == JobState::Ended(Ending::Completed);
        match job.state {
            JobState::Waiting => !completed,
            JobState::Ended(Ending::Cancelled) => true,
            _ => completed && job.input == before.output,
        }
    })
}
