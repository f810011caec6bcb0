//! The ruler: the same work on a bare store.
//!
//! It has one table and the indexes that claims need, and nothing of what makes a job queue: no types, retries, timeouts,
//! leases that are watched, limits, chains or tracing. What jobwork takes more than this is what all that costs.

mod job;
mod postgres;
mod sqlite;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use self::job::Payload;
use crate::figure::Figure;
use crate::measure::Measure;
use crate::place::Place;

/// So many jobs are stored in one call.
const BULK: u64 = 1_000;

/// So many jobs run at a time, or are claimed at once.
const AT_ONCE: usize = 1_000;

/// The work of a measure, done barely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bare {
    /// One at a time from one task, each inserted and committed on the caller's own connection.
    Inline,
    /// One at a time from so many tasks.
    Dispatch {
        /// How many.
        tasks: usize,
    },
    /// In calls of a thousand.
    Bulk,
    /// Jobs that are ready are performed.
    Drain {
        /// Whether their rows are kept.
        kept: bool,
    },
    /// The same, but a batch that is claimed moves into one row: on Postgres alone, where an update leaves a dead row.
    DrainByLeases,
    /// Stored from 64 tasks and performed, side by side.
    EndToEnd {
        /// Whether their rows are kept.
        kept: bool,
    },
    /// Single jobs go to a worker that waits.
    PickUp,
}

/// Takes one round.
pub(crate) async fn measure(test: Bare, measure: &Measure) -> Result<Figure> {
    let payload = Payload { number: 0, text: measure.load.text(), at: None };
    match &measure.place {
        Place::Sqlite { folder } => sqlite::measure(test, folder, payload, measure.jobs).await,
        Place::Postgres(address) => postgres::measure(test, address, payload, measure).await,
        Place::Url(_) => anyhow::bail!("expected a store of SQLite or Postgres: the bare measures are of nothing else"),
    }
}
