use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use jobwork::Clock;
use jobwork::store::Store;
use jobwork::store::memory::Memory;
use tokio::time::Instant;

use super::book::Book;
use super::director::Director;
use super::ending;
use super::hints::Hints;
use super::world::World;
use crate::checker::{self, Violation};
use crate::history::{Event, History, Line};

/// When every run begins: the second at which 2026 began.
const START: i64 = 1_767_225_600;

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Run {
    /// What happened.
    pub lines: Vec<Line>,
    /// What did not come to its end, though nothing was disturbed any more; empty for a run as it should be.
    pub stuck: Vec<String>,
}

impl Run {
    /// What is wrong with it: whatever the checker finds, and what is stuck.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let stuck = self.stuck.iter().map(|what| Violation { rule: "stuck", what: what.clone(), lines: Vec::new() });
        checker::check(&self.lines).violations.into_iter().chain(stuck).collect()
    }
}

/// Plays the run of a seed, over a store in memory with `wrap` round it, and returns what happened.
///
/// # Panics
/// When the runtime can't be built.
#[must_use]
pub fn run(seed: u64, wrap: &dyn Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Vec<Line> {
    play(seed, wrap).lines
}

/// As [`run`], and says what got stuck.
///
/// # Panics
/// When the runtime can't be built.
#[must_use]
pub fn play(seed: u64, wrap: &dyn Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be built").block_on(async {
        let mut rng = Rng::with_seed(seed);
        let world = Arc::new(begin(&mut rng, wrap(Arc::new(Memory::new()))));
        let mut director = Director::new(Arc::clone(&world), rng.fork());
        director.disturb().await;
        let mut stuck: Vec<String> = ending::wait(&world).await.iter().map(|id| format!("the job {id}")).collect();
        if !director.end().await {
            stuck.push("a worker that was told to stop".to_owned());
        }
        stuck.iter().for_each(|what| world.history.add(Event::Fault { what: format!("{what} is stuck") }));
        ending::write_down(&world).await;
        Run { lines: world.history.lines(), stuck }
    })
}

fn begin(rng: &mut Rng, store: Arc<dyn Store>) -> World {
    let clock = clock();
    let history = History::in_memory(clock.clone());
    World {
        hints: Hints::of(&store),
        store,
        sky: Arc::default(),
        clock,
        book: Book::new(history.clone()),
        history,
        lease: Duration::from_millis(rng.u64(2_000..10_000)),
        poison_after: rng.u32(..4),
    }
}

/// Follows tokio's clock, from the same start in every run.
fn clock() -> Clock {
    let (start, begun) = (Timestamp::constant(START, 0), Instant::now());
    Clock::from_fn(move || start + begun.elapsed())
}
