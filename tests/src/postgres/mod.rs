//! The Postgres of the tests: a schema or a database for each test, and servers that a test may treat badly.
//!
//! The server is the one that the environment variable `JOBWORK_TEST_POSTGRES` names by its URL, as a user who may create
//! databases. Without it, each test process starts one for itself, by `ci/postgres`. To start one for many processes, run
//! them by that script: `bash ci/postgres cargo nextest run`.

mod address;
mod database;
mod kept;
pub mod pgbouncer;
mod private;
pub mod proxy;
mod schema;
mod server;
mod sound;

pub use self::database::{Database, fresh_database};
pub use self::private::Private;
pub use self::schema::{Schema, fresh_schema};
pub use self::server::{connect, url};
