use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::catch;
use crate::job::{FailureKind, Job, JobError};

type BoxError = Box<dyn StdError + Send + Sync>;
type Read<J> = Box<dyn Fn(&str) -> Result<J, BoxError>>;
type Finish<T, J> = Arc<dyn Fn(T) -> Result<J, BoxError>>;

/// The way from the arguments that older versions of a job stored to those of today, written from the newest step down.
///
/// Each step is a function from the form of one version to the form of the next, or to a `Result` of it. Older forms are plain
/// types that serde can read. [`Perform::upgrade`](super::Perform::upgrade) is made of it; `#[job]` writes
///
/// ```text
/// #[job(version = 3, upgrade = [from_v1, from_v2])]
///
/// fn upgrade(version: u32, args: &str) -> Result<Self, JobError> {
///     Upgrades::to().from(from_v2).from(from_v1).read(version, args)
/// }
/// ```
///
/// Versions below the oldest step have no way to today: their jobs are dead as undecodable, with their arguments kept.
pub struct Upgrades<J, T> {
    /// How to read each older version, the newest of them first.
    older: Vec<Read<J>>,
    finish: Finish<T, J>,
}

impl<J: Job> Upgrades<J, J> {
    /// No step yet.
    #[must_use]
    pub fn to() -> Self {
        Self { older: Vec::new(), finish: Arc::new(Ok) }
    }
}

impl<J: Job, T: 'static> Upgrades<J, T> {
    /// Adds the step from the version before: a function of its form.
    #[must_use]
    pub fn from<Old, R>(mut self, step: impl Fn(Old) -> R + 'static) -> Upgrades<J, Old>
    where
        Old: DeserializeOwned + 'static,
        R: Upgraded<T>,
    {
        let next = self.finish;
        let finish: Finish<Old, J> = Arc::new(move |old| next(step(old).upgraded()?));
        let begin = Arc::clone(&finish);
        self.older.push(Box::new(move |args| begin(serde_json::from_str(args)?)));
        Upgrades { older: self.older, finish }
    }

    /// Reads arguments that `version` of the job stored.
    ///
    /// # Errors
    /// A failure of the kind [`Undecodable`](FailureKind::Undecodable): when there is no step from that version, when the
    /// arguments don't fit its form, and when a step fails or panics.
    pub fn read(self, version: u32, args: &str) -> Result<J, JobError> {
        let today = J::OPTIONS.version;
        let age = today.checked_sub(version).filter(|age| *age > 0);
        let read = age.and_then(|age| self.older.get(age as usize - 1)).ok_or_else(|| no_upgrade::<J>(version))?;
        let upgraded =
            catch(|| read(args)).map_err(|panic| (panic.message().to_owned(), panic.detail().map(str::to_owned)));
        let upgraded = upgraded.and_then(|read| read.map_err(|error| (error.to_string(), None)));
        upgraded.map_err(|(problem, detail)| {
            let message = format!(
                "can't upgrade the stored arguments of `{}` from version {version} to {today}: {problem}",
                J::NAME
            );
            JobError::of_kind(FailureKind::Undecodable, message, detail)
        })
    }
}

/// Says that this program can't read that version of the arguments.
pub(super) fn no_upgrade<J: Job>(version: u32) -> JobError {
    let (name, today) = (J::NAME, J::OPTIONS.version);
    let message = format!(
        "the stored arguments of `{name}` are of version {version}, and this program reads version {today} and has no \
         upgrade from theirs: name one in `#[job(version = {today}, upgrade = ..)]`, and retry the job"
    );
    JobError::of_kind(FailureKind::Undecodable, message, None)
}

impl<J: Job, T> fmt::Debug for Upgrades<J, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upgrades({}, {} older versions)", J::NAME, self.older.len())
    }
}

/// What a step of an upgrade may return: the next form, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "this upgrade returns `{Self}`, but the next version's form is `{T}`",
    label = "expected a function that returns `{T}` or `Result<{T}, E>`"
)]
pub trait Upgraded<T> {
    /// The next form.
    ///
    /// # Errors
    /// What the step returned as its error.
    fn upgraded(self) -> Result<T, BoxError>;
}

impl<T> Upgraded<T> for T {
    fn upgraded(self) -> Result<T, BoxError> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, E: Into<BoxError>> Upgraded<T> for Result<T, E> {
    fn upgraded(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}
