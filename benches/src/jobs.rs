//! The jobs that are measured.

use std::ops::Range;
use std::time::Duration;

use jobwork::{JobContext, Jobs, Result, job};
use serde::{Deserialize, Serialize};

use crate::tally::TALLY;

/// Does nothing, and is kept when it is done.
#[job(retries = 0)]
async fn kept(number: u64, text: String) {
    std::hint::black_box(text);
    TALLY.ran(number);
}

/// Does nothing, and is forgotten when it is done.
#[job(retries = 0, retain = "0s")]
async fn dropped(number: u64, text: String) {
    std::hint::black_box(text);
    TALLY.ran(number);
}

/// Waits for a millisecond.
#[job(retries = 0)]
async fn slow(number: u64, text: String) {
    std::hint::black_box(text);
    tokio::time::sleep(Duration::from_millis(1)).await;
    TALLY.ran(number);
}

/// Does nothing, and isn't counted: it fills a store with what is finished.
#[job(retries = 0)]
pub(crate) async fn filler(number: u64, text: String) {
    std::hint::black_box((number, text));
}

/// Says how long it has waited since it was sent, in nanoseconds of [`wall`](crate::tally::wall).
#[job(retries = 0)]
pub(crate) async fn sent(number: u64, at: u64) {
    TALLY.ran_since(number, at);
}

/// Begins a chain.
#[job(retries = 0)]
pub(crate) async fn first(number: u64) -> Result<u64, String> {
    Ok(number)
}

/// Goes on with a chain.
#[job(retries = 0)]
pub(crate) async fn second(number: u64) -> Result<u64, String> {
    Ok(number)
}

/// Ends a chain.
#[job(retries = 0)]
pub(crate) async fn third(number: u64) {
    TALLY.ran(number);
}

/// Fails in its first attempt, when it is to.
#[job(retries = 1, backoff = "1ms")]
pub(crate) async fn uneven(number: u64, fails: bool, job: JobContext) -> Result<(), String> {
    if fails && job.attempt() == 1 {
        TALLY.failed();
        return Err("its first attempt fails".to_owned());
    }
    TALLY.ran(number);
    Ok(())
}

/// What the jobs of a measure are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// What they do, and what becomes of them.
    pub(crate) kind: Kind,
    /// About how long their arguments are, in bytes of JSON.
    pub(crate) bytes: usize,
    /// What the store has before.
    #[serde(flatten)]
    pub(crate) beside: Beside,
    /// Whether another session of the database holds a transaction open, from before the first dispatch.
    pub(crate) held: bool,
}

/// Jobs that a store has before a measure begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Beside {
    /// So many are finished.
    pub(crate) finished: u64,
    /// So many are due when the measure is long over.
    pub(crate) waiting: u64,
}

impl Beside {
    /// None at all.
    pub(crate) const NONE: Self = Self { finished: 0, waiting: 0 };
}

/// What a job does, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Nothing; it is kept.
    Kept,
    /// Nothing; it is forgotten.
    Dropped,
    /// It waits for a millisecond; it is kept.
    Slow,
}

/// Arguments of two fields, a small number and an empty text, are so long.
const FIELDS: usize = 26;

impl Load {
    /// Jobs that do nothing and are kept, with short arguments, in an empty store.
    pub(crate) const PLAIN: Self = Self { kind: Kind::Kept, bytes: 40, beside: Beside::NONE, held: false };

    /// The text that makes the arguments as long as they are to be.
    pub(crate) fn text(&self) -> String {
        "x".repeat(self.bytes.saturating_sub(FIELDS))
    }

    /// Dispatches the job of this number.
    pub(crate) async fn dispatch(&self, number: u64, jobs: &Jobs) -> Result<()> {
        let text = self.text();
        match self.kind {
            Kind::Kept => Kept::dispatch(number, text).on(jobs).await.map(drop),
            Kind::Dropped => Dropped::dispatch(number, text).on(jobs).await.map(drop),
            Kind::Slow => Slow::dispatch(number, text).on(jobs).await.map(drop),
        }
    }

    /// Dispatches the jobs of these numbers in one write.
    pub(crate) async fn dispatch_many(&self, numbers: Range<u64>, jobs: &Jobs) -> Result<()> {
        let text = || self.text();
        match self.kind {
            Kind::Kept => Kept::dispatch_many(numbers.map(|n| Kept::new(n, text()))).on(jobs).await.map(drop),
            Kind::Dropped => Dropped::dispatch_many(numbers.map(|n| Dropped::new(n, text()))).on(jobs).await.map(drop),
            Kind::Slow => Slow::dispatch_many(numbers.map(|n| Slow::new(n, text()))).on(jobs).await.map(drop),
        }
    }
}
