//! Postgres: a server of the benchmark's own, a database for each measure, and what the server takes for it.

mod address;
mod database;
mod hold;
mod processes;
mod programs;
mod server;
mod templates;
mod wear;

pub(crate) use self::address::{Address, is_address};
pub(crate) use self::database::{Database, checkpoint, vacuum};
pub(crate) use self::hold::Hold;
pub(crate) use self::processes::{Processes, Used};
pub(crate) use self::server::{Serve, Server};
pub(crate) use self::templates::Templates;
pub(crate) use self::wear::{Probe, Wear, transactions};
