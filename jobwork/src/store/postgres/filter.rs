//! A filter as conditions of a query.

use tokio_postgres::types::{ToSql, Type};

use super::connection::Param;
use super::rows::{batch_row_of, millis, row_of};
use super::text;
use crate::job::JobState;
use crate::store::Filter;

/// Conditions that all must hold, and the values they name by number.
pub(super) struct Conditions {
    tests: Vec<String>,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Conditions {
    /// What a record must be to match, now.
    pub(super) fn of(filter: &Filter, now: i64) -> Self {
        let mut all = Self { tests: Vec::new(), values: Vec::new() };
        if let Some(id) = filter.before {
            // An id that no store of this kind gave out comes before everything.
            all.add("seq < ?", row_of(id).0, Type::INT8);
        }
        if !filter.states.is_empty() {
            let now = all.name(now, Type::INT8);
            let tests: Vec<String> = filter.states.iter().map(|state| line(*state).replace('?', &now)).collect();
            all.tests.push(format!("({})", tests.join(" OR ")));
            // Named in any case: a value that no condition names is an error.
            all.tests.push(format!("{now} IS NOT NULL"));
        }
        filter.queue.iter().for_each(|queue| all.add("queue = ?", queue.clone(), Type::TEXT));
        filter.name.iter().for_each(|name| all.add("name = ?", name.clone(), Type::TEXT));
        if !filter.tags.is_empty() {
            all.add("tags @> ?", filter.tags.clone(), Type::TEXT_ARRAY);
        }
        if let Some((batch, dispatched)) = filter.batch.map(batch_row_of) {
            all.add("batch = ?", batch, Type::INT8);
            all.add("batch_at = ? AND standing IS NOT NULL", dispatched, Type::INT8);
        }
        filter.created_after.iter().for_each(|time| all.add("created_at > ?", millis(*time), Type::INT8));
        filter.created_before.iter().for_each(|time| all.add("created_at < ?", millis(*time), Type::INT8));
        filter.finished_before.iter().for_each(|time| all.add("finished_at < ?", millis(*time), Type::INT8));
        filter
            .error
            .iter()
            .for_each(|error| all.add(ERROR, text::stored(&error.to_ascii_lowercase()).into_owned(), Type::TEXT));
        all
    }

    /// Adds a value, and gives the name by which a query calls it.
    pub(super) fn name(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> String {
        self.values.push((Box::new(value), kind));
        format!("${}", self.values.len())
    }

    fn add(&mut self, test: &str, value: impl ToSql + Sync + Send + 'static, kind: Type) {
        let name = self.name(value, kind);
        self.tests.push(test.replace('?', &name));
    }

    /// What follows `WHERE`.
    pub(super) fn text(&self) -> String {
        if self.tests.is_empty() { "true".to_owned() } else { self.tests.join(" AND ") }
    }

    pub(super) fn values(&self) -> Vec<Param<'_>> {
        self.values.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect()
    }
}

/// ASCII letters only, whatever the locale of the database says of others.
const ERROR: &str = "(strpos(translate(reason, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), ?) > 0
    OR EXISTS (SELECT FROM @.attempts a WHERE a.job = seq AND strpos(translate(a.failure::json ->> 'message',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), ?) > 0))";

/// How a state is told from a record; `?` is the time. What the row itself says leads along an index.
fn line(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "stored_state = 0",
        JobState::Scheduled => "(stored_state = 1 AND run_at > ? AND state = 1)",
        JobState::Ready => "(stored_state = 1 AND run_at <= ? AND state = 1 OR stored_state = -1)",
        JobState::Running => "(stored_state = 1 AND state = 2)",
        JobState::Completed => "stored_state = 3",
        JobState::Cancelled => "stored_state = 4",
        JobState::Discarded => "stored_state = 5",
        JobState::Dead => "stored_state = 6",
    }
}
