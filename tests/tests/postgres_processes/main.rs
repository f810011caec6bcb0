//! Workers in processes of their own, on one Postgres, under real signals: all that is true of those on one SQLite file.

#![cfg(unix)]

#[path = "../processes/checkpoint.rs"]
mod checkpoint;
#[path = "../processes/completion.rs"]
mod completion;
#[path = "../processes/death.rs"]
mod death;
#[path = "../processes/lease.rs"]
mod lease;
mod place;
#[path = "../processes/process.rs"]
mod process;
#[path = "../processes/share.rs"]
mod share;
#[path = "../processes/signals.rs"]
mod signals;
#[path = "../processes/stop.rs"]
mod stop;
#[path = "../processes/store.rs"]
mod store;
