//! What goes wrong with a server, in the words of the domain.

use std::error::Error as _;
use std::{fmt, io};

use deadpool::managed::PoolError;
use tokio_postgres::error::SqlState;

use super::options::told;
use crate::error::Error;

/// A call that failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server refused it, or went away while it was asked.
    Server(tokio_postgres::Error),
    /// The server can't be reached now, or takes nobody in; it was not asked.
    Away(tokio_postgres::Error),
    /// A newer jobwork made the schema.
    Newer {
        /// Its version.
        found: usize,
        /// The newest version that this build knows.
        known: usize,
    },
    /// Something else is wrong, on our side.
    Ours(String),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<PoolError<Failed>> for Failed {
    fn from(error: PoolError<Failed>) -> Self {
        match error {
            PoolError::Backend(failed) => failed,
            other => Self::Ours(other.to_string()),
        }
    }
}

impl Failed {
    /// What the server says of it, if it was the server.
    pub(super) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Server(error) | Self::Away(error) => error.code(),
            _ => None,
        }
    }

    /// Whether the server undid the call for the sake of another one, and it should be made again.
    pub(super) fn is_undone(&self) -> bool {
        let again = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        self.code().is_some_and(|code| again.contains(code))
    }

    /// What went wrong with dialling: a server that can't be reached, starts, shuts down or is full is away.
    pub(super) fn dialling(error: tokio_postgres::Error) -> Self {
        let full = error.code().is_some_and(|code| code.code().starts_with("53"));
        if full || is_passing(&error) { Self::Away(error) } else { Self::Server(error) }
    }

    /// Whether the server went away while it was asked, so that nobody knows what became of the call.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Server(error) if is_passing(error))
    }

    /// Whether the server could not be reached, or went away.
    pub(super) fn is_away(&self) -> bool {
        self.is_lost() || matches!(self, Self::Away(_))
    }

    /// Whether the server has answered that it will not do what was asked, and has done nothing.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Server(error) if error.code().is_some()) && !self.is_lost()
    }

    /// What is wrong, and what to do about it.
    pub(super) fn problem(&self) -> String {
        match self {
            Self::Server(error) => told(error),
            Self::Away(error) => format!("the server can't be reached: {}", told(error)),
            Self::Ours(problem) => problem.clone(),
            Self::Newer { found, known } => format!(
                "its schema has version {found}, but this build of jobwork knows versions up to {known}: use a newer one"
            ),
        }
    }

    /// The error of a push.
    pub(super) fn pushing(self) -> Error {
        if self.is_lost() {
            let problem = self.problem();
            return Error::store(format!(
                "{problem}; its answer was lost, so what was dispatched may have been stored, or may not"
            ));
        }
        Error::store(self)
    }

    /// The error of a store that can't be opened.
    pub(super) fn opening(&self, place: &str) -> Error {
        Error::Open { place: place.to_owned(), problem: self.problem() }
    }
}

/// Whether the network is at fault, or a server that shuts down or starts, and not what was asked for: a certificate, a password,
/// encryption.
fn is_passing(error: &tokio_postgres::Error) -> bool {
    if let Some(code) = error.code() {
        return code.code().starts_with("08") || code.code().starts_with("57P");
    }
    let Some(cause) = error.source() else { return true };
    let cause = cause.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| !cause.get_ref().is_some_and(|cause| cause.is::<rustls::Error>()))
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem())
    }
}

impl std::error::Error for Failed {}
