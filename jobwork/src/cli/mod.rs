//! The command line: of the program that `#[jobwork::main]` makes, and of the `jobwork` binary.

mod batch;
mod batches;
mod bench;
mod bulk;
mod by_hand;
mod cancel;
#[cfg(feature = "cron")]
mod cron;
mod delete;
mod dispatch;
mod exit;
mod filter;
mod generated;
mod jobs;
mod json_text;
mod limit;
mod list;
mod log;
mod nearest;
mod out;
mod pause;
mod prune;
mod public;
mod queues;
mod requeue;
mod resume;
mod retry;
mod root;
mod served_queues;
mod show;
mod standalone;
mod stats;
mod target;
mod time;
mod work;
mod workers;

pub use self::generated::{answer, main};
pub use self::standalone::standalone;
