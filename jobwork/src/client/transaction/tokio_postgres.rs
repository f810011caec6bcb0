//! Transactions of `tokio-postgres`.

use tokio_postgres::Transaction as Theirs;
use tokio_postgres::types::Type;

use super::{Answering, Transaction, Work};
use crate::error::Error;

impl<'a> Transaction for &'a Theirs<'_> {
    type Answer<T: Send + 'static> = Answering<'a, T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Answering<'a, T> {
        Box::pin(work.by(move |statement| async move {
            let rows = self.query_typed(&statement.sql, &[(&statement.input, Type::TEXT)]).await.map_err(told)?;
            rows.first().ok_or_else(|| Error::store("the server has no answer"))?.try_get("answer").map_err(told)
        }))
    }
}

impl<'a> Transaction for &'a mut Theirs<'_> {
    type Answer<T: Send + 'static> = Answering<'a, T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Answering<'a, T> {
        (&*self).carry_out(work)
    }
}

/// What the server says is the cause; the driver's own error does not show it.
fn told(error: tokio_postgres::Error) -> Error {
    if error.as_db_error().is_none() {
        return Error::store(error);
    }
    error.into_source().map_or_else(|| Error::store("the server refused the statement"), Error::Store)
}
