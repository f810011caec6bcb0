use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::run::play;

/// What came of many runs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many runs were played.
    pub runs: u64,
    /// How many lines they wrote.
    pub lines: u64,
    /// What is wrong, seed by seed: the first of each, with the command that plays it again.
    pub wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, seed: u64, played: Result<usize, String>) {
        self.runs += 1;
        let again = format!("play it again with `proof simulate --seed {seed}`");
        match played {
            Ok(lines) => self.lines += lines as u64,
            Err(what) => self.wrong.push(format!("seed {seed}: {what}; {again}")),
        }
    }
}

/// Plays the runs of these seeds, on as many threads as there are cores.
#[must_use]
pub fn play_each(seeds: Range<u64>) -> Tally {
    let (next, tally) = (AtomicU64::new(seeds.start), Mutex::new(Tally::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let played = judge(seed);
            tally.lock().unwrap_or_else(PoisonError::into_inner).count(seed, played);
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.wrong.sort_unstable();
    tally
}

/// Plays a run; returns how many lines it wrote, or else what is wrong with it.
fn judge(seed: u64) -> Result<usize, String> {
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, &|store| store)));
    let played = played.map_err(|_| "the simulation panicked".to_owned())?;
    match played.violations().first() {
        None => Ok(played.lines.len()),
        Some(violation) => Err(format!("{}: {}", violation.rule, violation.what)),
    }
}
