//! Connections of `diesel-async`.

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Answering, Transaction, Work};
use crate::error::Error;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    answer: String,
}

impl<'a> Transaction for &'a mut AsyncPgConnection {
    type Answer<T: Send + 'static> = Answering<'a, T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Answering<'a, T> {
        Box::pin(work.by(move |statement| async move {
            let query = sql_query(statement.sql).bind::<Text, _>(statement.input);
            query.get_result(self).await.map(|row: Row| row.answer).map_err(Error::store)
        }))
    }
}
