//! What happened: lines that are only ever added.
//!
//! Several processes write to one file. Each line is one write at the end of the file, so the lines have one order. What took effect between
//! two lines of one process is written down by one before it and one after it: a store call that a kill interrupted has the first only.

mod event;
mod line;
mod writer;

pub use self::event::{Event, Promise, Remains, Run, word};
pub use self::line::{Line, Read, read};
pub use self::writer::History;
