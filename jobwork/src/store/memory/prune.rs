use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::rows::Rows;
use crate::job::JobState;
use crate::store::Prune;

impl Rows {
    /// Forgets jobs that have been kept long enough, and says how many.
    pub(super) fn prune(&mut self, prune: &Prune) -> usize {
        let mut over = self.over(prune);
        over.sort_unstable();
        over.truncate(prune.limit);
        let ids: Vec<_> = over.iter().map(|(_, seq)| self.jobs[seq].record.id).collect();
        ids.into_iter().filter(|id| self.delete(*id, prune.now)).count()
    }

    /// A completed job that is to be kept for no time is gone.
    pub(super) fn drop_fleeting(&mut self, seq: u64, now: Timestamp) {
        let job = self.jobs.get(&seq).map(|row| &row.record);
        let gone = job.filter(|job| job.state == JobState::Completed && job.retain == Some(Duration::ZERO));
        if let Some(id) = gone.map(|job| job.id) {
            self.delete(id, now);
        }
    }

    /// The jobs that have been kept long enough, with the time of their end.
    fn over(&self, prune: &Prune) -> Vec<(Timestamp, u64)> {
        let mut over = Vec::new();
        let mut ends: HashMap<(&str, JobState), Vec<(Timestamp, u64)>> = HashMap::new();
        for (seq, row) in &self.jobs {
            let job = &row.record;
            let Some(ended) = job.finished_at.filter(|_| job.state.is_final()) else { continue };
            match job.retain {
                Some(retain) if prune.is_over(ended, retain) => over.push((ended, *seq)),
                Some(_) => {}
                None => ends.entry((&job.name, job.state)).or_default().push((ended, *seq)),
            }
        }
        for ((name, state), mut jobs) in ends {
            let keep = prune.retention.of(name, state);
            jobs.sort_unstable_by_key(|job| Reverse(*job));
            let count = keep.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
            let too_old = |ended| keep.age.is_some_and(|age| prune.is_over(ended, age));
            let gone = jobs.into_iter().enumerate().filter(|(place, (ended, _))| *place >= count || too_old(*ended));
            over.extend(gone.map(|(_, job)| job));
        }
        over
    }
}
