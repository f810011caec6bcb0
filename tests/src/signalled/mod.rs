//! A worker in a process of its own that prints one line for each thing that happens, for tests that send it signals.
//!
//! Its jobs wait until a line on its standard input releases them, so that a test decides what happens when.

mod jobs;
mod purchase;
mod release;
mod work;

pub use self::jobs::*;
pub use self::purchase::*;
pub use self::work::main;

use std::fmt::Display;

/// Prints one event.
fn say(event: impl Display) {
    println!("{event}");
}
