//! Transactions of rusqlite.

use rusqlite::Transaction as Theirs;

use super::{Transaction, Work};
use crate::error::Result;

impl Transaction for &Theirs<'_> {
    type Answer<T: Send + 'static> = Result<T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Result<T> {
        work.on_connection(self)
    }
}

impl Transaction for &mut Theirs<'_> {
    type Answer<T: Send + 'static> = Result<T>;

    fn carry_out<T: Send + 'static>(self, work: Work<T>) -> Result<T> {
        work.on_connection(self)
    }
}
