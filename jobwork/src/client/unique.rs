use std::time::Duration;

use serde::Serialize;

use super::Dispatch;
use super::placement::Due;
use crate::error::{Error, Result};
use crate::job::{Flow, Job, NewJob, OnConflict, Unique};

/// How one dispatch is unique, where it says so itself.
#[derive(Debug, Default)]
pub(super) struct Uniqueness {
    unique: Option<serde_json::Result<Unique>>,
    on_conflict: Option<OnConflict>,
    form: Option<Form>,
}

/// A named form of a unique job, whose key is known only when it is dispatched.
#[derive(Clone, Copy, Debug)]
enum Form {
    Debounce { at_most: Option<Duration> },
    Throttle { window: Duration },
}

impl Uniqueness {
    /// Makes `new`, which `job` became, as unique as this says.
    pub(super) fn apply<J: Job>(&self, new: &mut NewJob, job: &J) -> Result<()> {
        let what = "can't make the unique key";
        let failed = |source| Error::Json { what, job: J::NAME.to_owned(), source };
        match &self.unique {
            Some(Ok(unique)) => new.flow.unique = Some(unique.clone()),
            Some(Err(problem)) => return Err(failed(serde::ser::Error::custom(problem))),
            None => {}
        }
        if let Some((unique, on_conflict)) = new.flow.unique.as_mut().zip(self.on_conflict) {
            unique.on_conflict = on_conflict;
        }
        let Some(form) = self.form else { return Ok(()) };
        let key = match new.flow.unique.take() {
            Some(unique) => unique.key,
            None => Flow::key(J::NAME, job).map_err(failed)?,
        };
        new.flow.unique = Some(match form {
            Form::Throttle { window } => Unique::throttle(key, window),
            Form::Debounce { at_most: None } => Unique::debounce(key),
            Form::Debounce { at_most: Some(longest) } => Unique::debounce(key).at_most(longest),
        });
        Ok(())
    }
}

/// Unique dispatches. The handle is that of the job which has the key, and says by [`is_new`](crate::JobHandle::is_new) whether
/// this dispatch made it.
///
/// ```
/// # #[cfg(feature = "macros")] mod example {
/// use std::time::Duration;
/// use jobwork::prelude::*;
///
/// #[job]
/// async fn reindex(article: u64, text: String) {}
///
/// # pub async fn dispatch() -> jobwork::Result<()> {
/// # let jobs = Jobs::connect("memory:").await?;
/// // One job ten seconds after the last edit, with the last text, but never later than a minute after the first.
/// let (wait, longest) = (Duration::from_secs(10), Duration::from_secs(60));
/// let first = Reindex::dispatch(7, "a").unique_by(7).debounce_at_most(wait, longest).on(&jobs).await?;
/// let again = Reindex::dispatch(7, "ab").unique_by(7).debounce_at_most(wait, longest).on(&jobs).await?;
/// assert_eq!(first.id(), again.id());
/// assert!(first.is_new() && !again.is_new());
/// # Ok(()) }
/// # }
/// # #[cfg(feature = "macros")] tokio::runtime::Runtime::new().unwrap().block_on(example::dispatch()).unwrap();
/// ```
impl<J: Job> Dispatch<J> {
    /// Unique as this says, instead of as the job is by itself. Its key is taken as it is: jobs of other types share it.
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique.unique = Some(Ok(unique));
        self
    }

    /// Unique among the jobs of this type by this key, until it has ended: where there is such a job, nothing is stored.
    ///
    /// The key is anything that can be written as JSON, such as a tuple of some of the arguments. Awaiting the dispatch gives
    /// [`Error::Json`] where it can't.
    pub fn unique_by(mut self, key: impl Serialize) -> Self {
        self.unique.unique = Some(Flow::key(J::NAME, &key).map(Unique::new));
        self
    }

    /// One job for all such dispatches until none has come for `wait`, with the arguments of the last; see
    /// [`Unique::debounce`].
    ///
    /// The key is that of [`unique_by`](Self::unique_by), or else the job's own, or else all its arguments. `wait` is also the
    /// dispatch's [`delay`](Self::delay).
    pub fn debounce(mut self, wait: Duration) -> Self {
        self.unique.form = Some(Form::Debounce { at_most: None });
        self.placement.due = Due::In(wait);
        self
    }

    /// As [`debounce`](Self::debounce), but the job is due `longest` after the first dispatch, however many follow.
    pub fn debounce_at_most(mut self, wait: Duration, longest: Duration) -> Self {
        self = self.debounce(wait.min(longest));
        self.unique.form = Some(Form::Debounce { at_most: Some(longest) });
        self
    }

    /// At most one such job in each window of time: where one was dispatched in it, nothing is stored, also when that one has
    /// ended; see [`Unique::throttle`]. The key is as for [`debounce`](Self::debounce).
    pub fn throttle(mut self, window: Duration) -> Self {
        self.unique.form = Some(Form::Throttle { window });
        self
    }

    /// What becomes of this dispatch when another job has its key; the job's own way is left where nothing is said. For a
    /// dispatch that is unique by [`unique_by`](Self::unique_by), or a job that is unique by itself.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.unique.on_conflict = Some(on_conflict);
        self
    }
}
