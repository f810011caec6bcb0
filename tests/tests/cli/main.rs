//! The command line of a program, as people and scripts use it: real processes on one SQLite file.

mod batches;
mod bench;
mod by_hand;
mod cron;
mod dispatch;
mod limits;
mod look;
mod program;
mod shop;
mod work;
