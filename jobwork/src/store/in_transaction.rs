use super::{Push, Settled, Stored};
use crate::error::Result;
use crate::job::Finished;

/// How a store takes part in a transaction of its user's, on a connection that is not the store's: in the words of its database.
///
/// Nothing is committed by it, and workers hear of it once the transaction is committed.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum InTransaction<'a> {
    /// The store is in a Postgres.
    Postgres(&'a dyn Statements),
    /// The store is an SQLite file.
    #[cfg(feature = "rusqlite")]
    Sqlite(&'a dyn OnConnection),
}

/// What is to be done in a transaction.
#[derive(Clone, Debug)]
pub enum Change {
    /// These jobs are stored.
    Push(Push),
    /// A job that runs is completed.
    Finish(Finished),
}

/// What became of a change, once the transaction is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The answer to a push.
    Stored(Stored),
    /// The answer to an outcome.
    Settled(Settled),
}

/// A statement of one parameter `$1`, a text, that answers with one row of one column `answer`, a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement {
    /// The statement.
    pub sql: String,
    /// Its parameter.
    pub input: String,
}

impl Statement {
    /// This statement with this parameter.
    #[must_use]
    pub fn new(sql: String, input: String) -> Self {
        Self { sql, input }
    }
}

/// Changes by statements, which any driver can send.
pub trait Statements: Send + Sync {
    /// The statement that makes this change.
    ///
    /// # Errors
    /// As the store's own call.
    fn statement(&self, change: &Change) -> Result<Statement>;

    /// What the answer to the statement says.
    ///
    /// # Errors
    /// As the store's own call; the transaction can go on.
    fn changed(&self, change: &Change, answer: &str) -> Result<Changed>;
}

/// Changes on a connection to the store's file, in the transaction that it is in.
#[cfg(feature = "rusqlite")]
pub trait OnConnection: Send + Sync {
    /// Makes this change.
    ///
    /// # Errors
    /// As the store's own call; the transaction can go on. And one that says so where the connection is to another file.
    fn change(&self, connection: &rusqlite::Connection, change: Change) -> Result<Changed>;
}

impl std::fmt::Debug for InTransaction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Postgres",
            #[cfg(feature = "rusqlite")]
            Self::Sqlite(_) => "Sqlite",
        })
    }
}
