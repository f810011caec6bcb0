//! The limits of load: more jobs, queues, bytes and workers than a store usually has, and jobs that treat their worker badly.
//!
//! Each case is run by a process of its own, so that the peak of its memory is its own. A case fails when a job is lost, runs
//! twice without a reason, or takes longer than the case has time.

mod blocks_the_thread;
mod case;
mod chain_of_a_thousand;
mod count;
mod figures;
mod forks_a_child;
mod large_arguments;
mod million_ready;
mod options;
mod panics_in_drop;
mod same_second;
mod scene;
mod sixty_four_workers;
mod tally;
mod ten_thousand_queues;
mod unknown_names;
mod worker;

pub use self::case::Case;
pub use self::figures::Figures;
pub use self::options::{Alone, Options};
pub use self::worker::{Linger, Worker};
