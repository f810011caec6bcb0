//! Transactions and connections of sqlx 0.8.

use sqlx_0_8::{PgConnection, Postgres, Transaction as Theirs, query_scalar};

use super::{Answering, Transaction, Work};
use crate::error::Error;

impl<'a> Transaction for &'a mut PgConnection {
    type Answer<T: Send + 'static> = Answering<'a, T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Answering<'a, T> {
        Box::pin(work.by(move |statement| async move {
            let query = query_scalar::<Postgres, String>(&statement.sql).bind(statement.input);
            query.fetch_one(self).await.map_err(Error::store)
        }))
    }
}

impl<'a> Transaction for &'a mut Theirs<'_, Postgres> {
    type Answer<T: Send + 'static> = Answering<'a, T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Answering<'a, T> {
        let connection: &'a mut PgConnection = self;
        connection.carry_out(work)
    }
}
