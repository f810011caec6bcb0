use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::error::Error;

/// How the program ends, for whoever called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Abandoned = 4,
}

/// The same for people, in `--help`.
pub(super) const EXIT_CODES: &str = "Exit codes:
  0  done; for `work` also when jobs were handed back to their queue
  1  failed, or what was asked could not be done
  2  the command line is wrong
  3  there is no such job, batch, worker or schedule
  4  `work` could not write what became of some jobs: they will run again";

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A failure with the error and everything it says about its causes.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut message = error.to_string();
        let mut last = message.clone();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors have their cause in their own text already.
            if !last.contains(&text) {
                let _ = write!(message, "\n  because: {text}");
            }
            last = text;
            cause = error.source();
        }
        Self::new(Exit::Failed, message)
    }

    /// One failure for all of them, with the gravest exit code; none where there are none.
    pub(super) fn all(failures: Vec<Self>) -> Result<(), Self> {
        let Some(exit) = failures.iter().map(|failure| failure.exit).max() else { return Ok(()) };
        let messages: Vec<String> = failures.into_iter().map(|failure| failure.message).collect();
        Err(Self::new(exit, messages.join("\nerror: ")))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = if matches!(error, Error::NoSuchJob(_) | Error::NoSuchBatch(_) | Error::NoSuchSchedule(_)) {
            Exit::NotFound
        } else {
            Exit::Failed
        };
        Self { exit, ..Self::of(&error) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever read our output has seen enough.
            io::ErrorKind::BrokenPipe => Self::new(Exit::Ok, ""),
            _ => Self::new(Exit::Failed, format!("can't write the result: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Tells what went wrong, and ends the program with the right code.
pub(super) fn end(result: Result<(), Failure>) -> ExitCode {
    // Not even a lost result may hide what went wrong before it.
    let result = result.and_then(|()| Ok(io::stdout().flush()?));
    let Err(failure) = result else { return Exit::Ok.into() };
    if !failure.message.is_empty() {
        // Where nobody reads the error, there is nobody to tell.
        let _ = writeln!(io::stderr(), "error: {}", failure.message);
    }
    failure.exit.into()
}
