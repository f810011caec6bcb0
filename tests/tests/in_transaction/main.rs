//! Dispatching and completing jobs in transactions of the caller's own, by each driver, and from other languages by SQL.

mod completion;
mod diesel;
mod diesel_async;
mod jobs;
mod kinds;
mod rusqlite;
mod scene;
mod sql;
mod sqlx_0_8;
mod sqlx_0_9;
mod tokio_postgres;
