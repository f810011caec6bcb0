//! New rows of plain jobs, written many in one statement.
//!
//! They are gathered while pushes follow one another, and written before anything else reads or writes the tables. Those that
//! a claim takes before that never stand in the line of ready jobs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use rusqlite::{Connection, Statement};

use super::rows::{flag, job_id, millis, time};
use super::scan::Names;
use crate::job::{Claimed, Flow, Lease, NewJob};
use crate::store::{Batch, Claim, Push};

/// A job of a push, and the number it gets.
#[derive(Debug)]
struct NewRow {
    seq: i64,
    push: Arc<Push>,
    index: usize,
    /// It goes to a claim at once.
    handed: bool,
}

/// The rows that are not written yet.
#[derive(Debug, Default)]
pub(super) struct NewRows(RefCell<Vec<NewRow>>);

/// So many rows a statement, the most first, so that any number takes few.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// What a row says of a job about which nothing is special; the rest of its columns are as the table has them by default.
const COLUMNS: usize = 10;

static STATEMENTS: LazyLock<[String; 4]> = LazyLock::new(|| SIZES.map(statement));

// `OR FAIL`: what can't fail half-way needs no journal of its own, and if it did, the whole transaction would go.
fn statement(rows: usize) -> String {
    let row = format!("(1{})", ", ?".repeat(COLUMNS));
    let rows = vec![row; rows].join(", ");
    format!(
        "INSERT OR FAIL INTO jobwork_jobs (state, seq, flags, name, version, queue, priority, run_at, created_at, retries, args)
         VALUES {rows}"
    )
}

/// Puts rows that were just written into the line of ready jobs.
const LINE_UP: &str = "INSERT OR FAIL INTO jobwork_ready (queue, priority, run_at, seq, name, version)
    SELECT queue, priority, run_at, seq, name, version FROM jobwork_jobs WHERE seq BETWEEN ?1 AND ?2";

/// Whether nothing is special about a job but what [`COLUMNS`] say.
pub(super) fn is_plain(job: &NewJob) -> bool {
    // By name, each of them: a new field is special until it is a column here.
    #[rustfmt::skip]
    let NewJob {
        name: _, queue: _, priority: _, retries: _, run_at: _, version: _, args: _, encrypted: _,
        expires_at, retry_until, retain, tags, waits, chain, flow: Flow { unique, limits, ordered }, batch,
    } = job;
    let timeless = expires_at.is_none() && retry_until.is_none() && retain.is_none_or(|time| time.is_zero());
    let alone = waits.is_empty() && chain.is_none() && batch.is_none();
    let shares_nothing = unique.is_none() && limits.is_empty() && ordered.is_none();
    timeless && alone && shares_nothing && tags.is_empty()
}

impl NewRow {
    fn job(&self) -> &NewJob {
        &self.push.jobs[self.index]
    }

    fn run_at(&self) -> i64 {
        self.job().run_at.map_or(millis(self.push.now), millis)
    }

    fn flags(&self) -> i64 {
        if self.job().retain.is_some() { flag::FLEETING } else { 0 }
    }

    /// The job as a worker gets it. Which claim that is isn't known yet.
    fn claimed(&self, claim: &Claim) -> Claimed {
        let (job, now) = (self.job(), millis(self.push.now));
        let lease = Lease { job: job_id(self.seq, now), attempt: 1, worker: claim.worker, claim: 0 };
        let (name, queue, args) = (job.name.clone().into_owned(), job.queue.clone().into_owned(), job.args.clone());
        let mut claimed = Claimed::new(lease, name, queue, args, time(now));
        claimed.priority = job.priority;
        claimed.retries = job.retries;
        claimed.run_at = time(self.run_at());
        claimed.version = job.version;
        claimed
    }
}

impl NewRows {
    pub(super) fn add(&self, seq: i64, push: &Arc<Push>, index: usize) {
        self.0.borrow_mut().push(NewRow { seq, push: Arc::clone(push), index, handed: false });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Takes what a claim gets of jobs that nobody limits or pauses, the most urgent first; they will not stand in the line of
    /// ready jobs. Says too when the next of them that it could have falls due.
    pub(super) fn hand(&self, claim: &Claim) -> Batch {
        let mut rows = self.0.borrow_mut();
        let (due, next_due) = find_due(&rows, claim);
        let mut jobs = Vec::with_capacity(due.len().min(claim.limit));
        for index in choose(&rows, claim, due) {
            rows[index].handed = true;
            jobs.push(rows[index].claimed(claim));
        }
        Batch { jobs, next_due: next_due.map(time) }
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
        line_up(connection, &gathered)?;
        gathered.clear();
        Ok(())
    }
}

/// The rows that are due and for this worker, the most urgent first, by their index; and when the next one falls due.
fn find_due(rows: &[NewRow], claim: &Claim) -> (Vec<usize>, Option<i64>) {
    let names = Names::of(claim);
    let place = |queue: &str| match &claim.queues {
        Some(queues) => queues.iter().position(|known| known == queue),
        None => Some(0),
    };
    let (mut due, mut next_due) = (Vec::new(), None);
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.handed) {
        let (job, run_at) = (row.job(), row.run_at());
        let served = names.serve(&job.name, job.version);
        let Some(place) = place(&job.queue).filter(|_| served) else { continue };
        if run_at > millis(claim.now) {
            next_due = next_due.into_iter().chain([run_at]).min();
        } else {
            due.push((place, claim.urgency(job.priority, run_at, row.seq.unsigned_abs()), index));
        }
    }
    due.sort_unstable();
    (due.into_iter().map(|(.., index)| index).collect(), next_due)
}

/// The first of these rows, as many as the claim may have, of them all and of each queue.
fn choose(rows: &[NewRow], claim: &Claim, due: Vec<usize>) -> Vec<usize> {
    let mut taken: HashMap<&str, usize> = HashMap::new();
    let mut fits = |queue| {
        let taken = taken.entry(queue).or_default();
        *taken += 1;
        claim.room(queue, usize::MAX) >= *taken
    };
    let may_go = |index: &usize| claim.caps.is_empty() || fits(&*rows[*index].job().queue);
    due.into_iter().filter(may_go).take(claim.limit).collect()
}

/// Puts those that go to nobody yet into the line, in one statement those whose numbers follow one another.
fn line_up(connection: &Connection, rows: &[NewRow]) -> rusqlite::Result<()> {
    for together in rows.chunk_by(|row, next| row.seq + 1 == next.seq && row.handed == next.handed) {
        let (first, last) = (&together[0], &together[together.len() - 1]);
        if !first.handed {
            connection.prepare_cached(LINE_UP)?.execute([first.seq, last.seq])?;
        }
    }
    Ok(())
}

fn bind(statement: &mut Statement<'_>, rows: &[NewRow]) -> rusqlite::Result<()> {
    for (row, first) in rows.iter().zip((1..).step_by(COLUMNS)) {
        let (job, now) = (row.job(), millis(row.push.now));
        statement.raw_bind_parameter(first, row.seq)?;
        statement.raw_bind_parameter(first + 1, row.flags())?;
        statement.raw_bind_parameter(first + 2, &*job.name)?;
        statement.raw_bind_parameter(first + 3, job.version)?;
        statement.raw_bind_parameter(first + 4, &*job.queue)?;
        statement.raw_bind_parameter(first + 5, job.priority)?;
        statement.raw_bind_parameter(first + 6, row.run_at())?;
        statement.raw_bind_parameter(first + 7, now)?;
        statement.raw_bind_parameter(first + 8, job.retries)?;
        statement.raw_bind_parameter(first + 9, &*job.args)?;
    }
    Ok(())
}
