//! The worker's own code over a store in memory, with a simulated clock, and faults that are drawn from a seed.
//!
//! Dispatchers, workers and the store share one thread, one runtime and one paused clock, and all that is left to chance is drawn from the seed: so
//! a seed is a run, which can be played as often as one likes. Workers come and go, are killed, held up and told to stop; between each actor and
//! the store is a [`link`](self) on which calls are late, fail, or take effect without an answer. In the end the weather is calm, and everything has to
//! come to its end.

mod book;
mod command;
mod director;
mod dispatcher;
mod ending;
mod faulty;
mod hints;
mod jobs;
mod link;
mod plan;
mod run;
mod seeds;
mod standing;
mod weather;
mod worker;
mod world;

pub use self::command::Simulate;
pub use self::run::{Run, play, run};
pub use self::seeds::{Tally, play_each};
