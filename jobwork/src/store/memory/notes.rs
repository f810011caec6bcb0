use super::rows::Rows;
use crate::job::{JobState, LogLine, Note};
use crate::store::Settled;

impl Rows {
    /// Writes a note, if its job is still running under its lease.
    pub(super) fn note(&mut self, note: &Note) -> Settled {
        let Some(row) = self.running_under(note.lease).and_then(|seq| self.jobs.get_mut(&seq)) else {
            return Settled::Lost;
        };
        if let Some(progress) = &note.progress {
            row.record.progress = Some(progress.clone());
        }
        if let Some(checkpoint) = &note.checkpoint {
            row.checkpoint = Some(checkpoint.clone());
        }
        row.log.extend(note.log.iter().cloned());
        LogLine::drop_oldest(&mut row.log);
        Settled::Stored
    }

    /// A job that completed and is to run again has nothing to go on from.
    pub(super) fn begin_anew(&mut self, seq: u64) {
        let completed = self.jobs.get_mut(&seq).filter(|row| row.record.state == JobState::Completed);
        if let Some(row) = completed {
            row.record.progress = None;
            row.checkpoint = None;
        }
    }
}
