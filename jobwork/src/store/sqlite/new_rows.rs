//! New rows of plain jobs, written many in one statement.
//!
//! They are gathered while pushes follow one another, and written before anything else reads or writes the tables.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use rusqlite::{Connection, Statement};

use super::rows::millis;
use crate::job::{Flow, NewJob};
use crate::store::Push;

/// A job of a push, and the number it gets.
#[derive(Debug)]
struct NewRow {
    seq: i64,
    push: Arc<Push>,
    index: usize,
}

/// The rows that are not written yet.
#[derive(Debug, Default)]
pub(super) struct NewRows(RefCell<Vec<NewRow>>);

/// So many rows a statement, the most first, so that any number takes few.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// What a row says of a job about which nothing is special; the rest of its columns are as the table has them by default.
const COLUMNS: usize = 9;

static STATEMENTS: LazyLock<[String; 4]> = LazyLock::new(|| SIZES.map(statement));

// `OR FAIL`: what can't fail half-way needs no journal of its own, and if it did, the whole transaction would go.
fn statement(rows: usize) -> String {
    let row = format!("(1{})", ", ?".repeat(COLUMNS));
    let rows = vec![row; rows].join(", ");
    format!(
        "INSERT OR FAIL INTO jobwork_jobs (state, seq, name, version, queue, priority, run_at, created_at, retries, args) VALUES {rows}"
    )
}

/// Whether nothing is special about a job but what [`COLUMNS`] say.
pub(super) fn is_plain(job: &NewJob) -> bool {
    // By name, each of them: a new field is special until it is a column here.
    #[rustfmt::skip]
    let NewJob {
        name: _, queue: _, priority: _, retries: _, run_at: _, version: _, args: _, encrypted: _,
        expires_at, retry_until, retain, tags, waits, chain, flow: Flow { unique, limits, ordered }, batch,
    } = job;
    let timeless = expires_at.is_none() && retry_until.is_none() && retain.is_none();
    let alone = waits.is_empty() && chain.is_none() && batch.is_none();
    let shares_nothing = unique.is_none() && limits.is_empty() && ordered.is_none();
    timeless && alone && shares_nothing && tags.is_empty()
}

impl NewRows {
    pub(super) fn add(&self, seq: i64, push: &Arc<Push>, index: usize) {
        self.0.borrow_mut().push(NewRow { seq, push: Arc::clone(push), index });
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Writes what was gathered.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut gathered = self.0.borrow_mut();
        let mut rows = gathered.as_slice();
        for (size, sql) in SIZES.iter().zip(&*STATEMENTS) {
            if rows.len() < *size {
                continue;
            }
            let mut statement = connection.prepare_cached(sql)?;
            while let Some((some, rest)) = rows.split_at_checked(*size) {
                bind(&mut statement, some)?;
                statement.raw_execute()?;
                rows = rest;
            }
        }
        gathered.clear();
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, rows: &[NewRow]) -> rusqlite::Result<()> {
    for (NewRow { seq, push, index }, first) in rows.iter().zip((1..).step_by(COLUMNS)) {
        let (job, now) = (&push.jobs[*index], millis(push.now));
        statement.raw_bind_parameter(first, seq)?;
        statement.raw_bind_parameter(first + 1, &*job.name)?;
        statement.raw_bind_parameter(first + 2, job.version)?;
        statement.raw_bind_parameter(first + 3, &*job.queue)?;
        statement.raw_bind_parameter(first + 4, job.priority)?;
        statement.raw_bind_parameter(first + 5, job.run_at.map_or(now, millis))?;
        statement.raw_bind_parameter(first + 6, now)?;
        statement.raw_bind_parameter(first + 7, job.retries)?;
        statement.raw_bind_parameter(first + 8, &*job.args)?;
    }
    Ok(())
}
