//! Real processes on a real store, and all that can go wrong with them.
//!
//! Workers and dispatchers are this program again, in processes of their own. They are killed, stopped and started, and their store is
//! treated badly, as a seed says; then there is peace, until every job has ended. All that happens goes into one history, in which the
//! checker looks for broken promises.

mod agenda;
mod crew;
mod database;
mod disk;
mod fault;
mod options;
mod peace;
mod process;
mod remains;
mod report;
mod rescues;
mod server;
mod storm;

pub use self::options::Options;
pub use self::report::Report;
pub use self::rescues::Rescues;
