mod work;

#[cfg(feature = "diesel")]
mod diesel;
#[cfg(feature = "diesel-async")]
mod diesel_async;
#[cfg(feature = "rusqlite")]
mod rusqlite;
#[cfg(feature = "sqlx-0-8")]
mod sqlx_0_8;
#[cfg(feature = "sqlx-0-9")]
mod sqlx_0_9;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;

use std::future::Future;
use std::pin::Pin;

pub use self::work::Work;
use crate::error::Result;

/// A transaction of a database driver, or a connection that is in one.
///
/// It is implemented for those of the drivers that the crate has features for. For another driver, implement it by [`Work::by`] or
/// [`Work::by_blocking`], for a type of your own that borrows the driver's transaction.
#[diagnostic::on_unimplemented(
    message = "jobwork can't dispatch or finish jobs in `{Self}`",
    label = "expected a transaction such as `&mut sqlx::Transaction<Postgres>`, and the feature of jobwork for its driver",
    note = "the features are `tokio-postgres`, `sqlx-0-8`, `sqlx-0-9`, `diesel`, `diesel-async` and `rusqlite`"
)]
pub trait Transaction: Sized {
    /// What is done in it gives this: a future of the result where the driver is async, the result where it blocks.
    type Answer<T: Send + 'static>;

    /// Does something in it.
    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Self::Answer<T>;
}

/// What is done in a transaction of an async driver, to be awaited. Not cancel safe: after a drop, roll the transaction back.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
