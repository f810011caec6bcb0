//! Changes on connections of others to the store's file, in their transactions.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::db::{Db, Session};
use super::locks::Locks;
use super::turn::Turns;
use super::{Sqlite, finish, open, push};
use crate::error::{Error, Result};
use crate::store::{Change, Changed, OnConnection};

impl OnConnection for Sqlite {
    fn change(&self, connection: &Connection, change: Change) -> Result<Changed> {
        self.check_file(connection)?;
        // The watch hears of the commit, as of those of other processes.
        let locks = Arc::new(Locks::beside(self.path()));
        let session = Session::new(locks, Turns::beside(self.path()), Arc::clone(&self.0.waker));
        let db = Db::on(connection, &session);
        match change {
            Change::Push(new) => {
                new.check()?;
                let new = Arc::new(new);
                db.within(|| push::push(&db, &new)).map_err(Error::store)?.map(Changed::Stored)
            }
            Change::Finish(finished) => {
                let settled = db.within(|| finish::finish_in(&db, &finished)).map_err(Error::store)?;
                Ok(Changed::Settled(settled))
            }
        }
    }
}

impl Sqlite {
    /// Refuses connections to other files.
    fn check_file(&self, connection: &Connection) -> Result<()> {
        let theirs = connection.path().unwrap_or_default();
        if open::canonical(Path::new(theirs)).is_ok_and(|theirs| theirs == self.path()) {
            return Ok(());
        }
        let theirs = if theirs.is_empty() { "a database in memory".to_owned() } else { format!("the file {theirs}") };
        let ours = self.path().display();
        Err(Error::store(format!(
            "the transaction is in {theirs}, and the jobs are in the file {ours}: expected one file for both"
        )))
    }
}
