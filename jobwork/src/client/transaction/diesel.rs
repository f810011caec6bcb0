//! Connections of diesel.

use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::{Transaction, Work};
use crate::error::{Error, Result};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    answer: String,
}

impl Transaction for &mut PgConnection {
    type Answer<T: Send + 'static> = Result<T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Result<T> {
        work.by_blocking(|statement| {
            let query = sql_query(statement.sql).bind::<Text, _>(statement.input);
            query.get_result(self).map(|row: Row| row.answer).map_err(Error::store)
        })
    }
}
