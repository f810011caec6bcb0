//! A filter as conditions of a query.

use rusqlite::types::ToSql;

use super::batches;
use super::rows::{millis, row_of};
use crate::job::JobState;
use crate::store::Filter;

/// Conditions that all must hold, and the values they name by number.
pub(super) struct Conditions {
    tests: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// What a job must be to match, now.
    pub(super) fn of(filter: &Filter, now: i64) -> Self {
        let mut all = Self { tests: Vec::new(), values: Vec::new() };
        if let Some(id) = filter.before {
            // An id that no store of this kind gave out comes before everything.
            all.add("j.seq < ?", row_of(id).map_or(0, |(seq, _)| seq));
        }
        if !filter.states.is_empty() {
            all.add_states(&filter.states, now);
        }
        filter.queue.iter().for_each(|queue| all.add("j.queue = ?", queue.clone()));
        filter.name.iter().for_each(|name| all.add("j.name = ?", name.clone()));
        for tag in &filter.tags {
            all.add("EXISTS (SELECT 1 FROM json_each(d.tags) WHERE value = ?)", tag.clone());
        }
        if let Some((batch, dispatched)) = filter.batch.map(|batch| batches::row_of(batch).unwrap_or_default()) {
            let (batch, dispatched) = (all.name(batch), all.name(dispatched));
            all.tests.push(format!(
                "d.batch = {batch} AND d.standing IS NOT NULL
                 AND EXISTS (SELECT 1 FROM jobwork_batches WHERE seq = {batch} AND created_at = {dispatched})"
            ));
        }
        filter.created_after.iter().for_each(|time| all.add("j.created_at > ?", millis(*time)));
        filter.created_before.iter().for_each(|time| all.add("j.created_at < ?", millis(*time)));
        filter.finished_before.iter().for_each(|time| all.add("(j.state > 2 AND j.finished_at < ?)", millis(*time)));
        filter.error.iter().for_each(|error| all.add(ERROR, error.to_ascii_lowercase()));
        all
    }

    /// One list of all the lines: several would be read whole, and sorted, before the first job is found.
    fn add_states(&mut self, states: &[JobState], now: i64) {
        let lines: Vec<&str> = states.iter().filter_map(|state| line(*state)).collect();
        let listed = lines.join(" UNION ALL ");
        let test = match (states.contains(&JobState::Completed), lines.is_empty()) {
            (true, true) => "j.state = 3".to_owned(),
            (true, false) => format!("(j.state = 3 OR +j.seq IN ({listed}))"),
            (false, _) => format!("j.seq IN ({listed})"),
        };
        // A value that no condition names is an error.
        if test.contains('?') { self.add(&test, now) } else { self.tests.push(test) }
    }

    /// Adds a value, and gives the name by which a query calls it.
    pub(super) fn name(&mut self, value: impl ToSql + 'static) -> String {
        self.values.push(Box::new(value));
        format!("?{}", self.values.len())
    }

    fn add(&mut self, test: &str, value: impl ToSql + 'static) {
        let name = self.name(value);
        self.tests.push(test.replace('?', &name));
    }

    /// What follows `WHERE`.
    pub(super) fn text(&self) -> String {
        if self.tests.is_empty() { "1".to_owned() } else { self.tests.join(" AND ") }
    }

    pub(super) fn values(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(|value| &**value).collect()
    }
}

const ERROR: &str = "(instr(lower(j.reason), ?) > 0 OR EXISTS (SELECT 1 FROM jobwork_attempts a
    WHERE a.job = j.seq AND instr(lower(json_extract(a.failure, '$.message')), ?) > 0))";

/// Where the jobs of a state are looked for; `?` is the time. Completed ones stand in no line.
fn line(state: JobState) -> Option<&'static str> {
    Some(match state {
        JobState::Waiting => "SELECT seq FROM jobwork_jobs WHERE waits > 0 AND state = 0",
        JobState::Scheduled => "SELECT seq FROM jobwork_ready WHERE run_at > ?",
        JobState::Ready => {
            "SELECT seq FROM jobwork_ready WHERE run_at <= ? UNION ALL SELECT job FROM jobwork_held WHERE let_out = 0"
        }
        JobState::Running => "SELECT seq FROM jobwork_running",
        JobState::Completed => return None,
        JobState::Cancelled => "SELECT job FROM jobwork_ended WHERE state = 4",
        JobState::Discarded => "SELECT job FROM jobwork_ended WHERE state = 5",
        JobState::Dead => "SELECT job FROM jobwork_ended WHERE state = 6",
    })
}
