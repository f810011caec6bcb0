//! Power loss: what was acknowledged survives a kill of the machine.
//!
//! A program works with a store in a SQLite file (`script`), and writes a `line` before and after each call. It runs under `strace`, so that
//! its writes, its syncs and these lines are recorded in one order (`recording`). A model of the disk (`disk`) says what a disk may hold
//! after the power has failed at any point of that: what was synced, and of what was not, anything. Each such `image` is opened by the real
//! store, read (`found`) and held against what had been acknowledged by then (`promises`).
//!
//! Each [`Fault`] breaks the model of the disk, or the store's answers, in one way in which the promise would not hold; the check must notice.

mod call;
mod disk;
mod examination;
mod fault;
mod found;
mod image;
mod line;
mod operation;
mod promises;
mod recording;
mod restart;
mod script;
mod session;
mod strace;

pub use self::examination::{Examination, Extent};
pub use self::fault::Fault;
pub use self::recording::Recording;
pub use self::script::{Script, perform};
