use jiff::Timestamp;

use super::rows::{Row, Rows};
use crate::job::{Attempt, DeadReason, Finished, JobState, Lease, Outcome, Record};
use crate::store::{Settled, fill};

impl Rows {
    pub(super) fn finish(&mut self, finished: &Finished) -> Settled {
        match self.running_under(finished.lease) {
            Some(seq) => {
                self.settle(seq, &finished.outcome, finished.at);
                self.drop_fleeting(seq, finished.at);
                self.count_moved(finished.at);
                Settled::Stored
            }
            None => Settled::Lost,
        }
    }

    pub(super) fn running_under(&self, lease: Lease) -> Option<u64> {
        let seq = self.find(lease.job)?;
        let Row { record: job, claims, .. } = &self.jobs[&seq];
        let owner = (job.worker, job.attempt, *claims);
        let theirs = job.state == JobState::Running && owner == (Some(lease.worker), lease.attempt, lease.claim);
        theirs.then_some(seq)
    }

    /// Writes what became of a running job.
    pub(super) fn settle(&mut self, seq: u64, outcome: &Outcome, at: Timestamp) {
        self.settle_buckets(seq, outcome, at);
        let cancelled = outcome.runs_again() && self.jobs[&seq].record.cancel_requested;
        let overruled = cancelled.then(|| Outcome::Cancelled { failure: outcome.failure().cloned() });
        let outcome = overruled.as_ref().unwrap_or(outcome);
        if let Some(word) = outcome.word() {
            self.remember(seq, word, outcome.failure().cloned(), at);
        }
        self.edit(seq, |job| apply(job, outcome, at));
        match outcome {
            Outcome::Completed { output } => self.release_waiters(seq, output, at),
            Outcome::Cancelled { .. } | Outcome::Discarded { .. } => self.cancel_waiters(seq, at),
            _ => {}
        }
    }

    /// Puts the attempt that is running now into the job's history.
    pub(super) fn remember(&mut self, seq: u64, word: &str, failure: Option<crate::job::Failure>, at: Timestamp) {
        let Some(row) = self.jobs.get_mut(&seq) else { return };
        if let Some(worker) = row.record.worker {
            row.history.push(Attempt::new(row.record.attempt, worker, at, word.to_owned(), failure));
        }
    }

    /// Gives a job's output to those that wait for it, and lets go those that now wait for nothing.
    fn release_waiters(&mut self, seq: u64, output: &str, at: Timestamp) {
        for waiter in self.jobs[&seq].waiters.clone() {
            let Some(row) = self.jobs.get_mut(&waiter) else { continue };
            let mut undecodable = None;
            for wait in row.waits.extract_if(.., |wait| wait.on == seq) {
                // Also into the arguments of a job that was cancelled meanwhile: it may be retried.
                match wait.slot.map(|slot| fill(&row.record.args, &slot, output)) {
                    Some(Ok(args)) => row.record.args = args,
                    Some(Err(problem)) => undecodable = Some(problem),
                    None => {}
                }
            }
            if row.record.state != JobState::Waiting {
                continue;
            }
            if let Some(problem) = undecodable {
                let reason = format!("{}: {problem}", DeadReason::Undecodable);
                self.edit(waiter, |job| end(job, JobState::Dead, Some(reason), at));
            } else {
                self.let_go(waiter, at);
            }
        }
    }

    /// Makes a waiting job ready that waits for nothing any more.
    pub(super) fn let_go(&mut self, seq: u64, at: Timestamp) {
        if self.jobs.get(&seq).is_some_and(Row::is_free) {
            self.edit(seq, |job| make_ready(job, job.run_at.max(at)));
        }
    }

    /// Cancels all that wait for a job which has ended without completing, directly or through others.
    pub(super) fn cancel_waiters(&mut self, seq: u64, at: Timestamp) {
        let (_, why) = self.cause(seq);
        self.cancel_waiters_because(seq, &why, at);
    }

    /// Cancels all that wait for a job, directly or through others, for this reason.
    pub(super) fn cancel_waiters_because(&mut self, cause: u64, why: &str, at: Timestamp) {
        let mut ended = vec![cause];
        while let Some(seq) = ended.pop() {
            for waiter in self.jobs[&seq].waiters.clone() {
                let Some(row) = self.jobs.get_mut(&waiter) else { continue };
                if row.record.state == JobState::Waiting && row.awaits(seq) {
                    row.cancelled_by = Some(cause);
                    self.edit(waiter, |job| end(job, JobState::Cancelled, Some(why.to_owned()), at));
                    ended.push(waiter);
                }
            }
        }
    }

    /// The job whose end cancels those that wait for `seq`, and the reason they are given.
    pub(super) fn cause(&self, seq: u64) -> (u64, String) {
        let Some(row) = self.jobs.get(&seq) else {
            return (seq, "a chain member was deleted".to_owned());
        };
        let job = &row.record;
        match (row.cancelled_by, &job.reason) {
            (Some(cause), Some(reason)) => (cause, reason.clone()),
            (_, Some(reason)) => (seq, format!("chain member {} was {}: {reason}", job.id, job.state)),
            (_, None) => (seq, format!("chain member {} was {}", job.id, job.state)),
        }
    }
}

fn apply(job: &mut Record, outcome: &Outcome, at: Timestamp) {
    match outcome {
        Outcome::Completed { output } => {
            job.output = Some(output.clone());
            end(job, JobState::Completed, None, at);
        }
        Outcome::Retry { at: due, .. } => make_ready(job, *due),
        Outcome::Snoozed { until } | Outcome::RateLimited { until } => give_back(job, *until),
        Outcome::HandedBack { .. } | Outcome::Unstarted => give_back(job, job.run_at.min(at)),
        Outcome::Cancelled { .. } => end(job, JobState::Cancelled, None, at),
        Outcome::Discarded { why } => end(job, JobState::Discarded, Some(why.clone()), at),
        Outcome::Dead { reason, .. } => end(job, JobState::Dead, Some(reason.to_string()), at),
    }
}

/// The job will not go on by itself.
pub(super) fn end(job: &mut Record, state: JobState, reason: Option<String>, at: Timestamp) {
    job.state = state;
    job.reason = reason;
    job.finished_at = Some(at);
}

fn make_ready(job: &mut Record, run_at: Timestamp) {
    job.state = JobState::Ready;
    job.run_at = run_at;
}

/// The job is ready, as if the attempt had never begun.
pub(super) fn give_back(job: &mut Record, run_at: Timestamp) {
    job.attempt -= 1;
    make_ready(job, run_at);
}
