//! Workers in processes of their own, on one SQLite file, under real signals.

#![cfg(unix)]

mod checkpoint;
mod completion;
mod death;
mod lease;
mod place;
mod process;
mod share;
mod signals;
mod stop;
mod store;
