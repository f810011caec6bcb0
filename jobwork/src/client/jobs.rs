use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::size::MAX_SIZE;
use super::{BatchHandle, current};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::job::{Attempt, BatchId, JobId, LogLine, NewJob, Record};
use crate::secret::Keyring;
use crate::store::{CancelAnswer, Filter, Inspect, Push, Pushed, Store, Stored, connect};

/// Looks at every new job before it is stored: may change it, or refuse it with an error.
pub type DispatchHook = dyn Fn(&mut NewJob) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync;

/// A client of a job store: dispatches jobs, looks at them and cancels them.
///
/// Cheap to clone; clones share one store. Code that doesn't name a client (`SendEmail::dispatch(..).await`) uses the
/// one of the worker it runs in when it is inside a job, else the process's default: the one that
/// [`make_default`](Self::make_default) set, or else one on `JOBWORK_URL`, or else on `sqlite:jobs.db`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> jobwork::Result<()> {
/// use jobwork::{Jobs, NewJob, JobState};
///
/// let jobs = Jobs::connect("memory:").await?;
/// let id = jobs.push(vec![NewJob::new("send_email", r#"{"to":"ann"}"#)]).await?[0];
/// assert_eq!(jobs.get(id).await?.unwrap().state, JobState::Ready);
/// jobs.cancel(id).await?;
/// assert_eq!(jobs.get(id).await?.unwrap().state, JobState::Cancelled);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Jobs(Arc<Parts>);

/// What a client is made of. A client that differs from another one is made by changing a copy of these.
#[derive(Clone)]
struct Parts {
    store: Arc<dyn Store>,
    clock: Clock,
    hooks: Vec<Arc<DispatchHook>>,
    keyring: Option<Arc<Keyring>>,
    max_size: usize,
}

impl Jobs {
    /// A client of the store that the URL names, such as `sqlite:jobs.db`.
    ///
    /// # Errors
    /// [`Error::Url`] or [`Error::Open`].
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self::new(connect(url).await?))
    }

    /// A client of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        let parts = Parts { store, clock: Clock::system(), hooks: Vec::new(), keyring: None, max_size: MAX_SIZE };
        Self(Arc::new(parts))
    }

    /// The client that code in this place uses when it names none.
    ///
    /// # Errors
    /// [`Error::Url`] or [`Error::Open`] when the default store has to be opened and can't be.
    pub async fn current() -> Result<Self> {
        current::get_or_open(None).await
    }

    /// The same, with another URL for the store where nothing names one.
    pub(crate) async fn current_or(url: Option<&str>) -> Result<Self> {
        current::get_or_open(url).await
    }

    /// Makes this the client of all code in the process that names none and isn't inside a job.
    pub fn make_default(&self) {
        current::set_default(self.clone());
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.parts().clock = clock;
        self
    }

    /// The same client with keys for jobs that are `encrypted`. Without them, it uses those that `JOBWORK_KEYS` names.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn with_keyring(mut self, keyring: Keyring) -> Self {
        self.parts().keyring = Some(Arc::new(keyring));
        self
    }

    /// The same client with a hook that looks at every new job after the hooks it has; those that came from elsewhere
    /// (a client of its own, the CLI of another program) don't pass it.
    #[must_use]
    pub fn on_dispatch<E>(mut self, hook: impl Fn(&mut NewJob) -> Result<(), E> + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.parts().hooks.push(Arc::new(move |job| hook(job).map_err(Into::into)));
        self
    }

    /// The same client with another limit of what it stores of a job: so many bytes of JSON as its arguments, and so many as the output
    /// of a job that a worker with this client performs. By default 10,000,000 each.
    ///
    /// What is `encrypted` counts as it is stored, which is a third longer. A dispatch with larger arguments is
    /// refused with [`Error::ArgumentsTooLarge`], and nothing of it is stored. A larger output fails the attempt with
    /// [`Error::OutputTooLarge`], as any other error of the job does: it is told and retried, and in the end the job is dead and says why.
    /// Once an output has been stored, no limit keeps it from the next step of a chain.
    #[must_use]
    pub fn with_max_size(mut self, bytes: usize) -> Self {
        self.parts().max_size = bytes;
        self
    }

    pub(super) fn max_size(&self) -> usize {
        self.0.max_size
    }

    pub(crate) fn with_hooks(mut self, hooks: &[Arc<DispatchHook>]) -> Self {
        self.parts().hooks.extend_from_slice(hooks);
        self
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }

    pub(super) fn keyring(&self) -> Option<&Arc<Keyring>> {
        self.0.keyring.as_ref()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The time it is for this client.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Stores jobs that a typed `dispatch` doesn't make: by name, with JSON arguments. All of them or none. The id of a job that
    /// was left out because another one has its unique key is that one's.
    ///
    /// # Errors
    /// [`Error::Refused`] when a hook refuses one of them, [`Error::ArgumentsTooLarge`] when one's arguments are over the limit, [`Error::Duplicate`] when another job has the unique key of one and
    /// that one can't be left out, [`Error::Encryption`] when one is to be encrypted and can't be, [`Error::Store`] when the
    /// store fails.
    pub async fn push(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>> {
        Ok(self.push_each(jobs).await?.into_iter().map(Pushed::id).collect())
    }

    /// As [`push`](Self::push), and says of each job whether it was stored, or which other job has its unique key.
    ///
    /// # Errors
    /// Those of [`push`](Self::push).
    pub async fn push_each(&self, jobs: Vec<NewJob>) -> Result<Vec<Pushed>> {
        Ok(self.push_all(Push::of(jobs, self.now())).await?.jobs)
    }

    /// Stores jobs and batches, after the hooks have looked at every job.
    pub(super) async fn push_all(&self, mut push: Push) -> Result<Stored> {
        self.prepare(&mut push.jobs)?;
        self.0.store.push(push).await
    }

    /// A handle of the batch of this id.
    #[must_use]
    pub fn batch(&self, id: BatchId) -> BatchHandle {
        BatchHandle::new(id, self.clone())
    }

    /// Lets the hooks look at jobs that are about to be stored, encrypts what is to be kept secret, and refuses what is too large then.
    pub(crate) fn prepare(&self, jobs: &mut [NewJob]) -> Result<()> {
        jobs.iter_mut().try_for_each(|job| {
            let refused = self.0.hooks.iter().try_for_each(|hook| hook(job));
            refused.map_err(|source| Error::Refused { job: job.name.to_string(), source })?;
            self.seal(job)
        })?;
        self.check_args(jobs)
    }

    /// Looking at jobs and changing them by hand.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the store has no such power.
    pub fn inspect(&self) -> Result<&dyn Inspect> {
        let what = "look at single jobs or change them";
        self.0.store.inspect().ok_or(Error::Unsupported { store: self.0.store.name(), what })
    }

    /// The job of this id, if there is one.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn get(&self, id: JobId) -> Result<Option<Record>> {
        let found = self.inspect()?.get(&[id], self.now()).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// The jobs that match, newest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Record>> {
        self.inspect()?.list(filter, self.now()).await
    }

    /// What went wrong with a job so far, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn history(&self, id: JobId) -> Result<Vec<Attempt>> {
        self.inspect()?.history(id).await
    }

    /// The kept lines of a job's log, oldest first: see [`LogLine`].
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn log(&self, id: JobId) -> Result<Vec<LogLine>> {
        self.inspect()?.log(id).await
    }

    /// Cancels a job, with the rest of its chain: at once if it doesn't run, else by its signal.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn cancel(&self, id: JobId) -> Result<CancelAnswer> {
        let answers = self.inspect()?.cancel(&[id], self.now()).await?;
        Ok(answers.into_iter().next().unwrap_or(CancelAnswer::NotFound))
    }

    /// Makes a job that ended or is scheduled ready now, with all its retries; says whether it did. One that has ended doesn't
    /// come back while another job has its unique key, and waits for its turn where it is in an order.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn retry(&self, id: JobId) -> Result<bool> {
        Ok(self.inspect()?.retry(&[id], self.now()).await? == [true])
    }

    /// Forgets a job that isn't running; says whether it did.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn delete(&self, id: JobId) -> Result<bool> {
        Ok(self.inspect()?.delete(&[id], self.now()).await? == [true])
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("store", &self.0.store).finish_non_exhaustive()
    }
}
