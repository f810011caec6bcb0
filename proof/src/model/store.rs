//! What a store does. Each call is atomic, and is told nothing but what it is given.

use std::fmt;

use super::guard::Guard;
use super::process::Outcome;
use super::scenario::Rules;

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// The jobs, by their numbers.
    pub jobs: Vec<Job>,
    /// The workers that joined, and did not leave or die.
    pub workers: Vec<Worker>,
}

/// A job that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// Where it stands.
    pub state: JobState,
    /// The attempts that count; the one that is running is counted.
    pub attempt: u8,
    /// How often it was claimed; the number of the last claim.
    pub claims: u8,
    /// How many of its runs have failed.
    pub failures: u8,
    /// How many workers died while they had it.
    pub rescues: u8,
    /// Whether somebody asked for it to be cancelled.
    pub cancel_requested: bool,
    /// The member of its chain that comes before it.
    pub after: Option<usize>,
    /// The output of that member, once it has it.
    pub input: Option<u8>,
    /// What it returned: the number of the claim that completed it, so that no two runs return the same.
    pub output: Option<u8>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Until the member before it has completed.
    Waiting,
    /// For whoever claims it. A retry is due at once.
    Ready,
    /// Under the lease of the job, its attempt, the worker and the claim.
    Running {
        /// The worker.
        worker: u8,
        /// The token that came with the claim; 0 for one that was answered.
        token: u8,
    },
    /// It has ended.
    Ended(Ending),
}

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// With an output.
    Completed,
    /// Because somebody asked for it, or for the end of a member of its chain before it.
    Cancelled,
    /// Dead: it has no retries left.
    Exhausted,
    /// Dead: too many workers died while they had it.
    Poison,
}

/// The right to write the outcome of one run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lease {
    /// The job.
    pub job: usize,
    /// The attempt, from 1. A run that was handed back or rescued doesn't count, so the next one bears its number again.
    pub attempt: u8,
    /// The worker.
    pub worker: u8,
    /// The number of the claim, which no two runs of a job share.
    pub claim: u8,
}

/// A worker as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Worker {
    /// Who it is.
    pub id: u8,
    /// Whether its lease has run out since it last beat.
    pub expired: bool,
    /// The tokens of claims that were given back before they arrived.
    pub refused: Vec<u8>,
}

impl Job {
    /// A job as it is when its dispatch has returned `Ok`.
    #[must_use]
    pub fn new(after: Option<usize>) -> Self {
        let state = if after.is_some() { JobState::Waiting } else { JobState::Ready };
        let (input, output) = (None, None);
        Self { state, attempt: 0, claims: 0, failures: 0, rescues: 0, cancel_requested: false, after, input, output }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, JobState::Ended(_))
    }

    fn end(&mut self, ending: Ending) {
        self.state = JobState::Ended(ending);
    }

    /// Ready, as if the attempt had never begun.
    fn give_back(&mut self) {
        // Below zero only in twins.
        self.attempt = self.attempt.saturating_sub(1);
        self.state = JobState::Ready;
    }
}

impl Store {
    /// The lease under which a job runs, if it does.
    #[must_use]
    pub fn owner(&self, job: usize) -> Option<Lease> {
        let Job { state, attempt, claims, .. } = self.jobs[job];
        match state {
            JobState::Running { worker, .. } => Some(Lease { job, attempt, worker, claim: claims }),
            _ => None,
        }
    }

    /// A worker that is known.
    #[must_use]
    pub fn worker(&self, id: u8) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.id == id)
    }

    /// The jobs that a worker has.
    #[must_use]
    pub fn running(&self, id: u8) -> Vec<usize> {
        let theirs = |job: &Job| matches!(job.state, JobState::Running { worker, .. } if worker == id);
        (0..self.jobs.len()).filter(|job| theirs(&self.jobs[*job])).collect()
    }

    /// Hands a ready job to a worker.
    pub(super) fn claim(&mut self, rules: &Rules, worker: u8, token: u8, job: usize) -> Option<Lease> {
        let refused = match self.worker(worker) {
            Some(known) => rules.has(Guard::Refusal) && known.refused.contains(&token),
            None => rules.has(Guard::KnownWorkers),
        };
        let claimable = match self.jobs[job].state {
            JobState::Ready => true,
            JobState::Running { .. } => !rules.has(Guard::OnlyReady),
            JobState::Ended(ending) => ending == Ending::Cancelled && !rules.has(Guard::NeverEnded),
            JobState::Waiting => false,
        };
        if refused || !claimable {
            return None;
        }
        let job_ = &mut self.jobs[job];
        job_.attempt += 1;
        job_.claims += 1;
        job_.state = JobState::Running { worker, token };
        self.owner(job)
    }

    /// Makes jobs ready again of claims whose answers never came, and refuses those claims that have not arrived yet.
    pub(super) fn give_back(&mut self, rules: &Rules, worker: u8, tokens: &[u8]) {
        for job in self.running(worker) {
            if matches!(self.jobs[job].state, JobState::Running { token, .. } if tokens.contains(&token)) {
                self.settle(rules, job, Outcome::HandedBack);
            }
        }
        if let Some(known) = self.workers.iter_mut().find(|known| known.id == worker) {
            known.refused.extend(tokens);
        }
    }

    /// Writes an outcome if the job is still running under its lease; says whether it was.
    pub(super) fn finish(&mut self, rules: &Rules, lease: Lease, outcome: Outcome) -> bool {
        let fits = |owner: Lease| match rules.has(Guard::ClaimNumber) {
            true => owner == lease,
            false => owner == Lease { claim: owner.claim, ..lease },
        };
        let theirs = self.owner(lease.job).is_some_and(fits) || !rules.has(Guard::Fence);
        if theirs {
            self.settle(rules, lease.job, outcome);
        }
        theirs
    }

    fn settle(&mut self, rules: &Rules, number: usize, outcome: Outcome) {
        let job = &mut self.jobs[number];
        let overruled = outcome.runs_again() && job.cancel_requested && rules.has(Guard::CancelStands);
        if matches!(outcome, Outcome::Failed | Outcome::Exhausted) {
            job.failures += 1;
        }
        match outcome {
            _ if overruled => self.cancel_chain(number),
            Outcome::Completed => {
                job.output = Some(job.claims);
                job.end(Ending::Completed);
                self.release_waiters(rules, number);
            }
            Outcome::Failed => job.state = JobState::Ready,
            Outcome::Exhausted => job.end(Ending::Exhausted),
            Outcome::HandedBack if rules.has(Guard::HandBackIsFree) => job.give_back(),
            Outcome::HandedBack => job.state = JobState::Ready,
            Outcome::Cancelled => self.cancel_chain(number),
        }
    }

    /// In the write that completes a job: the next one of its chain is ready, with its output.
    fn release_waiters(&mut self, rules: &Rules, completed: usize) {
        let output = self.jobs[completed].output;
        for waiter in self.jobs.iter_mut().filter(|job| job.after == Some(completed)) {
            waiter.input = output.filter(|_| rules.has(Guard::Output));
            if waiter.state == JobState::Waiting && rules.has(Guard::AtomicRelease) {
                waiter.state = JobState::Ready;
            }
        }
    }

    /// Ends a job, and all that wait for it.
    fn cancel_chain(&mut self, number: usize) {
        self.jobs[number].end(Ending::Cancelled);
        for waiter in 0..self.jobs.len() {
            if self.jobs[waiter].after == Some(number) && self.jobs[waiter].state == JobState::Waiting {
                self.cancel_chain(waiter);
            }
        }
    }

    /// Cancels a job by hand: at once if it doesn't run, else by way of its worker.
    pub(super) fn cancel(&mut self, number: usize) {
        self.jobs[number].cancel_requested = true;
        if matches!(self.jobs[number].state, JobState::Waiting | JobState::Ready) {
            self.cancel_chain(number);
        }
    }

    /// Makes a worker known.
    pub(super) fn join(&mut self, id: u8) {
        self.workers.retain(|worker| worker.id != id);
        self.workers.push(Worker { id, expired: false, refused: Vec::new() });
        self.workers.sort_by_key(|worker| worker.id);
    }

    /// Renews a worker's lease, and returns those of its jobs that are to be cancelled; `None` if it was declared dead.
    pub(super) fn beat(&mut self, id: u8) -> Option<Vec<usize>> {
        self.workers.iter_mut().find(|worker| worker.id == id)?.expired = false;
        Some(self.running(id).into_iter().filter(|job| self.jobs[*job].cancel_requested).collect())
    }

    /// Forgets a worker that goes; jobs that it should still have are handed back.
    pub(super) fn leave(&mut self, rules: &Rules, id: u8) {
        if self.worker(id).is_some() && rules.has(Guard::LeaveHandsBack) {
            self.running(id).into_iter().for_each(|job| self.settle(rules, job, Outcome::HandedBack));
        }
        self.workers.retain(|worker| worker.id != id);
    }

    /// Makes the jobs of dead workers ready again, whoever asks for it.
    pub(super) fn rescue(&mut self, rules: &Rules, by: u8) {
        let is_dead = |worker: &Worker| worker.expired || (!rules.has(Guard::ExpiredOnly) && worker.id != by);
        let dead: Vec<u8> = self.workers.iter().filter(|worker| is_dead(worker)).map(|worker| worker.id).collect();
        self.workers.retain(|worker| !dead.contains(&worker.id));
        for worker in dead {
            self.running(worker).into_iter().for_each(|job| self.rescue_job(rules, job));
        }
    }

    fn rescue_job(&mut self, rules: &Rules, number: usize) {
        let job = &mut self.jobs[number];
        job.rescues += 1;
        let early = u8::from(!rules.has(Guard::AllDeaths));
        if job.cancel_requested && rules.has(Guard::RescueCancels) {
            return self.cancel_chain(number);
        }
        if rules.has(Guard::RescueIsFree) {
            job.give_back();
        } else {
            job.state = JobState::Ready;
        }
        if job.rescues + early >= rules.poison_after {
            job.end(Ending::Poison);
        }
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, attempt, worker, claim } = self;
        write!(f, "(job {job}, attempt {attempt}, worker {worker}, claim {claim})")
    }
}
