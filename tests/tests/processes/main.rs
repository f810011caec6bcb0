//! Workers in processes of their own, on one SQLite file, under real signals.

#![cfg(unix)]

mod death;
mod lease;
mod process;
mod share;
mod signals;
mod stop;
mod store;
