use std::collections::HashMap;

use jobwork::JobId;

use crate::history::{Event, Line};

/// How long the jobs of killed workers waited until they were rescued, in milliseconds, in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Rescues(Vec<i64>);

/// Who has which jobs, and who was killed.
#[derive(Default)]
struct Hands {
    /// Of each job the process that has it, and the attempt.
    holders: HashMap<JobId, (u32, u32)>,
    /// When processes were killed.
    killed: HashMap<u32, i64>,
    times: Vec<i64>,
}

impl Rescues {
    /// Reads them from a history.
    #[must_use]
    pub fn of(lines: &[Line]) -> Self {
        let mut hands = Hands::default();
        lines.iter().for_each(|line| hands.read(line));
        hands.times.sort_unstable();
        Self(hands.times)
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many percent of them took at most, in milliseconds; 0 when there were none.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> i64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last * percent).div_ceil(100)).copied().unwrap_or(0)
    }
}

impl Hands {
    fn read(&mut self, line: &Line) {
        match &line.event {
            Event::Fault { what } => {
                let number = what.strip_prefix("SIGKILL of worker ").and_then(|number| number.parse().ok());
                self.killed.extend(number.map(|number| (number, line.at)));
            }
            // The system gives the numbers of processes again.
            Event::Joined { .. } => drop(self.killed.remove(&line.by)),
            Event::Rescued { jobs } => jobs.iter().for_each(|job| {
                let holder = self.holders.remove(job);
                self.rescued(holder, line.at);
            }),
            Event::Claimed { run, .. } => {
                let holder = self.holders.insert(run.job, (line.by, run.attempt));
                // Its rescuer may have been killed in turn. A rescue gives the attempt back; otherwise an outcome was stored whose answer
                // never came.
                self.rescued(holder.filter(|(by, attempt)| *by != line.by && *attempt == run.attempt), line.at);
            }
            Event::Written { run, stored: true, .. } => drop(self.holders.remove(&run.job)),
            _ => {}
        }
    }

    /// The job of this holder was rescued; what counts is whether that one was killed.
    fn rescued(&mut self, holder: Option<(u32, u32)>, at: i64) {
        self.times.extend(holder.and_then(|(by, _)| self.killed.get(&by)).map(|killed| at - killed));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jobwork::{JobId, WorkerId};

    use super::Rescues;
    use crate::history::{Event, Line, Run};

    fn job(number: u64) -> JobId {
        JobId::derive(number, Timestamp::UNIX_EPOCH)
    }

    fn claimed(number: u64, attempt: u32) -> Event {
        let run = Run { job: job(number), attempt, worker: WorkerId::fresh(), claim: 1 };
        Event::Claimed { run, args: String::new() }
    }

    /// The times of a history of lines with their time and process.
    fn times(lines: impl IntoIterator<Item = (i64, u32, Event)>) -> Vec<i64> {
        let lines: Vec<Line> = lines.into_iter().map(|(at, by, event)| Line { at, by, event }).collect();
        Rescues::of(&lines).0
    }

    fn killed(process: u32) -> Event {
        Event::Fault { what: format!("SIGKILL of worker {process}") }
    }

    #[test]
    fn a_job_is_rescued_when_the_store_has_said_so_or_another_has_it() {
        let said = || Event::Rescued { jobs: vec![job(1)] };
        let lines = [(0, 7, claimed(1, 1)), (10, 1, killed(7)), (30, 8, said()), (90, 8, claimed(1, 1))];
        assert_eq!(times(lines), [20]);
        assert_eq!(times([(0, 7, claimed(1, 1)), (10, 1, killed(7)), (90, 8, claimed(1, 1))]), [80]);
    }

    #[test]
    fn what_was_not_killed_or_ended_its_attempt_is_no_rescue() {
        assert_eq!(times([(0, 7, claimed(1, 1)), (10, 1, killed(9)), (90, 8, claimed(1, 1))]), [0; 0]);
        assert_eq!(times([(0, 7, claimed(1, 1)), (10, 1, killed(7)), (90, 8, claimed(1, 2))]), [0; 0]);
    }
}
