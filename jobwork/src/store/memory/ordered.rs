use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::rows::Rows;
use crate::job::JobState;

/// The open jobs of each key that run one after the other.
pub(super) type Lines = HashMap<String, Line>;

/// The open jobs of one key. Those in line wait until they are the leader.
#[derive(Debug)]
pub(super) struct Line {
    leader: u64,
    in_line: BTreeSet<u64>,
}

impl Rows {
    /// Puts a job into the order of its key if it is in one: before all that were dispatched later, except one that may have
    /// begun.
    pub(super) fn enter_line(&mut self, seq: u64) {
        let Some(key) = self.jobs.get(&seq).and_then(|row| row.record.ordered.clone()) else { return };
        let Some(line) = self.lines.get_mut(&key) else {
            self.lines.insert(key, Line { leader: seq, in_line: BTreeSet::new() });
            return;
        };
        let leader_waits = self.jobs[&line.leader].record.state == JobState::Waiting;
        // Behind a later job that itself waits, for a chain, it could be waiting for itself.
        let behind = if leader_waits && line.leader > seq { std::mem::replace(&mut line.leader, seq) } else { seq };
        line.in_line.insert(behind);
        self.jobs.entry(behind).and_modify(|row| row.in_line = true);
    }

    /// The next job of the key takes its turn when this one, which has ended or is deleted, had it.
    pub(super) fn leave_line(&mut self, seq: u64, at: Timestamp) {
        let Some(key) = self.jobs.get(&seq).and_then(|row| row.record.ordered.clone()) else { return };
        let Some(line) = self.lines.get_mut(&key) else { return };
        if line.in_line.remove(&seq) {
            self.jobs.entry(seq).and_modify(|row| row.in_line = false);
        } else if line.leader == seq {
            match line.in_line.pop_first() {
                None => drop(self.lines.remove(&key)),
                Some(next) => {
                    line.leader = next;
                    self.jobs.entry(next).and_modify(|row| row.in_line = false);
                    self.let_go(next, at);
                }
            }
        }
    }
}
