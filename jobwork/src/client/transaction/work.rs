use std::fmt;
use std::future::Future;

use jiff::Timestamp;

use crate::client::{Jobs, current};
use crate::error::{Error, Result};
use crate::job::{Finished, JobId};
use crate::store::{Change, Changed, InTransaction, Push, Settled, Statement, Statements, Stored};

/// What is to be done in a transaction: a dispatch, or the completion of a job.
pub struct Work<T>(Step<T>);

enum Step<T> {
    Nothing(T),
    Change { jobs: Option<Jobs>, make: Box<Make>, end: Box<End<T>> },
}

type Make = dyn FnOnce(&Jobs) -> Result<Change> + Send;
type End<T> = dyn FnOnce(Changed, Jobs) -> Result<T> + Send;

/// Work whose client is known.
struct Begun<T> {
    jobs: Jobs,
    change: Change,
    end: Box<End<T>>,
}

impl<T> Work<T> {
    /// Stores what is made of the time of the dispatch.
    pub(crate) fn push(
        jobs: Option<Jobs>,
        make: impl FnOnce(Timestamp) -> Result<Push> + Send + 'static,
        end: impl FnOnce(Stored, Jobs) -> Result<T> + Send + 'static,
    ) -> Self {
        let make = Box::new(move |jobs: &Jobs| {
            let mut push = make(jobs.now())?;
            jobs.prepare(&mut push.jobs)?;
            Ok(Change::Push(push))
        });
        let end = Box::new(move |changed, jobs| match changed {
            Changed::Stored(stored) => end(stored, jobs),
            Changed::Settled(_) => Err(Error::store("the store answers a push as if it were an outcome")),
        });
        Self(Step::Change { jobs, make, end })
    }

    /// Answers this.
    pub(crate) fn nothing(answer: T) -> Self {
        Self(Step::Nothing(answer))
    }

    /// Does the work by a driver of Postgres: `ask` sends the statement in the caller's transaction, with its one parameter, and gives
    /// the text that it answers with.
    ///
    /// # Errors
    /// Those of the dispatch or the completion; [`Error::Unsupported`] where the client's store is in no Postgres.
    pub async fn by<F>(self, ask: impl FnOnce(Statement) -> F) -> Result<T>
    where
        F: Future<Output = Result<String>>,
    {
        let (jobs, make, end) = match self.0 {
            Step::Nothing(answer) => return Ok(answer),
            Step::Change { jobs: Some(jobs), make, end } => (jobs, make, end),
            Step::Change { jobs: None, make, end } => (current::get_or_open(None).await?, make, end),
        };
        let begun = Begun { change: make(&jobs)?, jobs, end };
        let answer = ask(begun.statement()?).await?;
        begun.end(&answer)
    }

    /// As [`by`](Self::by), for a driver that blocks.
    ///
    /// # Errors
    /// Those of [`by`](Self::by), and [`Error::NoClient`] where there is no client yet.
    pub fn by_blocking(self, ask: impl FnOnce(Statement) -> Result<String>) -> Result<T> {
        let begun = match self.begin()? {
            Ok(begun) => begun,
            Err(answer) => return Ok(answer),
        };
        let answer = ask(begun.statement()?)?;
        begun.end(&answer)
    }

    /// Does the work on a connection to the file of an SQLite store, in the transaction that it is in.
    ///
    /// # Errors
    /// Those of the dispatch or the completion; [`Error::NoClient`] where there is no client yet, and [`Error::Unsupported`] where the
    /// client's store is no SQLite file.
    #[cfg(feature = "rusqlite")]
    pub fn on_connection(self, connection: &rusqlite::Connection) -> Result<T> {
        let Begun { jobs, change, end } = match self.begin()? {
            Ok(begun) => begun,
            Err(answer) => return Ok(answer),
        };
        let changed = match jobs.store().in_transaction() {
            Some(InTransaction::Sqlite(store)) => store.change(connection, change)?,
            _ => return Err(unsupported(&jobs, "take part in a transaction of an SQLite file")),
        };
        end(changed, jobs)
    }

    /// The work with its client, or the answer where there is nothing to do.
    fn begin(self) -> Result<Result<Begun<T>, T>> {
        let (jobs, make, end) = match self.0 {
            Step::Nothing(answer) => return Ok(Err(answer)),
            Step::Change { jobs, make, end } => (jobs, make, end),
        };
        let jobs = jobs.or_else(current::get).ok_or(Error::NoClient)?;
        Ok(Ok(Begun { change: make(&jobs)?, jobs, end }))
    }
}

impl Work<()> {
    /// Completes a job that runs.
    pub(crate) fn finish(jobs: Jobs, job: JobId, finished: Result<Finished>) -> Self {
        let make = Box::new(move |_: &Jobs| finished.map(Change::Finish));
        let end = Box::new(move |changed, _| match changed {
            Changed::Settled(Settled::Stored) => Ok(()),
            Changed::Settled(Settled::Lost) => Err(Error::LeaseLost(job)),
            Changed::Stored(_) => Err(Error::store("the store answers an outcome as if it were a push")),
        });
        Self(Step::Change { jobs: Some(jobs), make, end })
    }
}

impl<T> Begun<T> {
    fn statements(&self) -> Result<&dyn Statements> {
        match self.jobs.store().in_transaction() {
            Some(InTransaction::Postgres(store)) => Ok(store),
            _ => Err(unsupported(&self.jobs, "take part in a transaction of a Postgres")),
        }
    }

    fn statement(&self) -> Result<Statement> {
        self.statements()?.statement(&self.change)
    }

    /// What is made of the answer.
    fn end(self, answer: &str) -> Result<T> {
        let changed = self.statements()?.changed(&self.change, answer)?;
        (self.end)(changed, self.jobs)
    }
}

fn unsupported(jobs: &Jobs, what: &'static str) -> Error {
    Error::Unsupported { store: jobs.store().name(), what }
}

impl<T> fmt::Debug for Work<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}
