use super::outcomes::{end, give_back};
use super::rows::Rows;
use crate::clock::after;
use crate::job::{DeadReason, Failure, FailureKind, JobId, JobState, Outcome, WorkerId};
use crate::store::{Beat, BeatKind, Command, Rescue, Signals, WorkerRecord};

/// A worker that joined, and did not leave or die.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) record: WorkerRecord,
    pub(super) command: Option<Command>,
}

impl Rows {
    pub(super) fn beat(&mut self, beat: &Beat) -> Signals {
        let id = beat.worker.id;
        if beat.kind != BeatKind::Join && !self.workers.contains_key(&id) {
            return Signals { gone: true, ..Signals::default() };
        }
        if beat.kind == BeatKind::Leave {
            self.leave(beat);
            return Signals::default();
        }
        let record = WorkerRecord {
            info: (*beat.worker).clone(),
            state: beat.state,
            running: beat.running,
            last_beat: beat.now,
            expires_at: after(beat.now, beat.lease),
        };
        let command = self.workers.insert(id, Worker { record, command: None }).and_then(|worker| worker.command);
        let running = self.index.running(id).into_iter().map(|seq| &self.jobs[&seq].record);
        let cancel = running.filter(|job| job.cancel_requested).map(|job| job.id).collect();
        Signals { gone: false, cancel, command }
    }

    fn leave(&mut self, beat: &Beat) {
        for seq in self.index.running(beat.worker.id) {
            self.settle(seq, &Outcome::HandedBack { failure: None }, beat.now);
        }
        self.workers.remove(&beat.worker.id);
        self.count_moved(beat.now);
    }

    pub(super) fn command(&mut self, worker: WorkerId, command: Command) -> bool {
        let Some(worker) = self.workers.get_mut(&worker) else { return false };
        worker.command = Some(command);
        self.changed.signals = true;
        true
    }

    pub(super) fn rescue(&mut self, rescue: Rescue) -> Vec<JobId> {
        let expired = self.workers.iter().filter(|(_, worker)| worker.record.expires_at <= rescue.now);
        let dead: Vec<WorkerId> = expired.map(|(id, _)| *id).collect();
        self.changed.signals |= !dead.is_empty();
        let mut rescued = Vec::new();
        for worker in dead {
            self.workers.remove(&worker);
            for seq in self.index.running(worker) {
                rescued.push(self.jobs[&seq].record.id);
                self.rescue_job(seq, rescue);
                self.count_moved(rescue.now);
            }
        }
        rescued
    }

    fn rescue_job(&mut self, seq: u64, rescue: Rescue) {
        let job = &self.jobs[&seq].record;
        let rescues = job.rescues + 1;
        if job.cancel_requested {
            self.settle(seq, &Outcome::Cancelled { failure: None }, rescue.now);
        } else if rescue.poison_after > 0 && rescues >= rescue.poison_after {
            self.remember(seq, "dead", Some(poison(rescues)), rescue.now);
            self.edit(seq, |job| {
                give_back(job, job.run_at);
                end(job, JobState::Dead, Some(DeadReason::Poison.to_string()), rescue.now);
            });
        } else {
            self.remember(seq, "rescued", None, rescue.now);
            self.edit(seq, |job| give_back(job, job.run_at));
        }
        if let Some(row) = self.jobs.get_mut(&seq) {
            row.record.rescues = rescues;
        }
    }
}

fn poison(rescues: u32) -> Failure {
    let message = format!("{rescues} workers died while they ran it");
    Failure { kind: FailureKind::Poison, message, detail: None, middleware: None }
}
