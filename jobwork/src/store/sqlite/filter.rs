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
            let states: Vec<&str> = filter.states.iter().map(|state| condition(*state)).collect();
            let states = format!("({})", states.join(" OR "));
            // A value that no condition names is an error.
            if states.contains('?') { all.add(&states, now) } else { all.tests.push(states) }
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

/// Written out state by state, so that each is looked for in its own line; `?` is the time.
fn condition(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "(j.state = 0 AND j.waits > 0)",
        JobState::Scheduled => "j.seq IN (SELECT seq FROM jobwork_ready WHERE run_at > ?)",
        JobState::Ready => {
            "(j.seq IN (SELECT seq FROM jobwork_ready WHERE run_at <= ?)
              OR j.seq IN (SELECT job FROM jobwork_held WHERE let_out = 0))"
        }
        JobState::Running => "j.seq IN (SELECT seq FROM jobwork_running)",
        JobState::Completed => "j.state = 3",
        JobState::Cancelled => "j.seq IN (SELECT job FROM jobwork_ended WHERE state = 4)",
        JobState::Discarded => "j.seq IN (SELECT job FROM jobwork_ended WHERE state = 5)",
        JobState::Dead => "j.seq IN (SELECT job FROM jobwork_ended WHERE state = 6)",
    }
}
