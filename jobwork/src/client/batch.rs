use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use jiff::Timestamp;

use super::transaction::{Transaction, Work};
use super::{BatchHandle, ChainDispatch, Dispatch, DispatchMany, Jobs, current};
use crate::error::{Error, Result};
use crate::job::{BatchPlace, Job, NewBatch, NewJob};
use crate::store::{Push, Stored};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Many jobs dispatched as one, with jobs that are called back when something has happened to all of them.
///
/// Members are single jobs, many of a kind, chains (each member of a chain is one of the batch) and other batches. All of them
/// and the callbacks are stored in one write. A callback is a job like any other, and is let go by the very write that gives it
/// cause. It is no member.
///
/// | a member… | complete: each has run once | success: all have succeeded | death: the first is dead |
/// |---|---|---|---|
/// | completes | counts | counts | – |
/// | fails the first time, with retries left | counts | waits | – |
/// | is dead, whatever it died of | counts | waits, blocked, until somebody retries that member and it succeeds | is let go, once |
/// | is cancelled, expires, discards itself or is deleted | counts | is cancelled, with the reason; retrying that member by hand brings it back | – |
/// | is snoozed, interrupted, handed back, rescued or rate limited | waits | waits | – |
/// | waits in a chain or is scheduled | waits | waits | – |
/// | is added while the batch is open | one more to count | one more to count | – |
/// | is left out because a job with its unique key exists | is no member | is no member | – |
///
/// - Each callback is let go at most once, whatever is retried by hand afterwards. A member that has run once counts as such for
///   good. Deleting a member that has succeeded changes nothing.
/// - Where all members have succeeded the death callback is cancelled, since nobody can die any more.
/// - A batch in a batch is one member: the outer one's complete waits for the inner one's complete, its success for the inner
///   one's success, and a death in the inner one is one in the outer one too.
/// - A batch without members is complete and successful at once.
/// - A batch is open until its last member has ended, so a running member can always add to it ([`BatchHandle::add`]), also when
///   it runs for the second time and the complete callback has been let go. Members that are dead have ended; retrying one by
///   hand opens the batch again.
/// - [`BatchHandle::cancel`] cancels all members that have not ended, running ones by their signal. That cancels the success
///   callback; complete is let go when all have ended. Should every member complete before it hears of its cancel, the batch has
///   succeeded after all.
///
/// ```
/// # #[cfg(feature = "macros")] mod example {
/// # use jobwork::{Jobs, job};
/// use jobwork::Batch;
///
/// #[job] async fn import_row(row: u32) {}
/// #[job] async fn report(text: String) {}
///
/// # pub async fn dispatch() -> jobwork::Result<()> {
/// # let jobs = Jobs::connect("memory:").await?;
/// let batch = Batch::new("import of May")
///     .add(ImportRow::dispatch(1).priority(1))
///     .add_many((2..100).map(ImportRow::new))
///     .on_success(Report::dispatch("all rows are in"))
///     .on_death(Report::dispatch("a row can't be imported"))
///     .on(&jobs)
///     .dispatch()
///     .await?;
/// assert_eq!(batch.progress().await?.pending, 99);
/// # Ok(()) }
/// # }
/// # #[cfg(feature = "macros")] tokio::runtime::Runtime::new().unwrap().block_on(example::dispatch()).unwrap();
/// ```
#[must_use = "a batch does nothing until it is dispatched"]
pub struct Batch {
    description: String,
    parts: Vec<Part>,
    on_complete: Option<Make>,
    on_success: Option<Make>,
    on_death: Option<Make>,
    jobs: Option<Jobs>,
}

/// Makes the jobs that are stored when it is dispatched at this time; they refer to each other by their places among them.
type Make = Box<dyn FnOnce(Timestamp) -> Result<Vec<NewJob>> + Send>;

/// Something that [`IntoPart`] made, for a batch to take in.
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "it holds what can't be shown, and is never seen")]
pub enum Part {
    Jobs(Make),
    Batch(Batch),
}

/// What a batch can have as members: a dispatch of one job or of many, of a chain, or another batch.
///
/// The client that a dispatch in a batch names is not used: all is stored by the batch's own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a member of a batch",
    label = "expected a dispatch that is not awaited, such as `SendEmail::dispatch(..)`, or another `Batch`"
)]
pub trait IntoPart: Send + 'static {
    /// The members.
    #[doc(hidden)]
    fn into_part(self) -> Part;
}

impl<J: Job> IntoPart for Dispatch<J> {
    fn into_part(self) -> Part {
        Part::Jobs(Box::new(move |now| Ok(vec![self.new_job(now)?])))
    }
}

impl<J: Job> IntoPart for DispatchMany<J> {
    fn into_part(self) -> Part {
        Part::Jobs(Box::new(move |now| self.new_jobs(now)))
    }
}

impl<Out: 'static> IntoPart for ChainDispatch<Out> {
    fn into_part(self) -> Part {
        Part::Jobs(Box::new(move |now| self.new_jobs(now)))
    }
}

impl IntoPart for Batch {
    fn into_part(self) -> Part {
        Part::Batch(self)
    }
}

impl Batch {
    /// A batch without members; the description is for people.
    pub fn new(description: impl Into<String>) -> Self {
        let (on_complete, on_success, on_death) = (None, None, None);
        Self { description: description.into(), parts: Vec::new(), on_complete, on_success, on_death, jobs: None }
    }

    /// Adds members: one job, many, a chain, or a batch, as their dispatches that are not awaited.
    #[expect(clippy::should_implement_trait, reason = "nobody adds batches with a plus sign")]
    pub fn add(mut self, members: impl IntoPart) -> Self {
        self.parts.push(members.into_part());
        self
    }

    /// Adds many jobs of one kind with their own options.
    pub fn add_many<J: Job>(self, jobs: impl IntoIterator<Item = J>) -> Self {
        self.add(DispatchMany::new(jobs))
    }

    /// Calls this job back when each member has run once.
    pub fn on_complete<J: Job>(mut self, job: Dispatch<J>) -> Self {
        self.on_complete = Some(make(job));
        self
    }

    /// Calls this job back when all members have succeeded.
    pub fn on_success<J: Job>(mut self, job: Dispatch<J>) -> Self {
        self.on_success = Some(make(job));
        self
    }

    /// Calls this job back when the first member is dead. Where all members succeed, it is cancelled.
    pub fn on_death<J: Job>(mut self, job: Dispatch<J>) -> Self {
        self.on_death = Some(make(job));
        self
    }

    /// This client instead of the one that code here uses when it names none.
    pub fn on(mut self, jobs: &Jobs) -> Self {
        self.jobs = Some(jobs.clone());
        self
    }

    /// Stores all members and callbacks in one write, when it is awaited.
    pub fn dispatch(self) -> BatchDispatch {
        BatchDispatch(self)
    }

    async fn run(mut self) -> Result<BatchHandle> {
        let jobs = match self.jobs.take() {
            Some(jobs) => jobs,
            None => current::get_or_open(None).await?,
        };
        let push = self.push(jobs.now())?;
        let stored = jobs.push_all(push).await?;
        handle(stored, jobs)
    }

    fn push(self, now: Timestamp) -> Result<Push> {
        let mut push = Push::of(Vec::new(), now);
        self.write(&mut push, None)?;
        Ok(push)
    }

    /// Writes the batch, its members and its callbacks into a push.
    fn write(self, push: &mut Push, parent: Option<BatchPlace>) -> Result<()> {
        let index = push.batches.len();
        push.batches.push(NewBatch { parent, ..NewBatch::new(self.description) });
        for part in self.parts {
            part.write(push, BatchPlace::New(index))?;
        }
        let mut callback = |make: Option<Make>| match make {
            Some(make) => append(push, make, None).map(Some),
            None => Ok(None),
        };
        let (on_complete, on_success) = (callback(self.on_complete)?, callback(self.on_success)?);
        let on_death = callback(self.on_death)?;
        push.batches[index] =
            NewBatch { on_complete, on_success, on_death, ..std::mem::take(&mut push.batches[index]) };
        Ok(())
    }
}

fn handle(stored: Stored, jobs: Jobs) -> Result<BatchHandle> {
    let id = stored.batches.first().copied().ok_or_else(|| Error::store("the store returned no id of the batch"))?;
    Ok(BatchHandle::new(id, jobs))
}

fn make<J: Job>(job: Dispatch<J>) -> Make {
    Box::new(move |now| Ok(vec![job.new_job(now)?]))
}

impl Part {
    /// Writes it into a push, as members of a batch.
    pub(super) fn write(self, push: &mut Push, batch: BatchPlace) -> Result<()> {
        match self {
            Self::Jobs(make) => append(push, make, Some(batch)).map(drop),
            Self::Batch(inner) => inner.write(push, Some(batch)),
        }
    }
}

/// Adds jobs to a push, and returns the index of the first.
fn append(push: &mut Push, make: Make, batch: Option<BatchPlace>) -> Result<usize> {
    let first = push.jobs.len();
    for mut job in make(push.now)? {
        job.batch = batch;
        job.waits.iter_mut().for_each(|wait| wait.on += first);
        job.chain.iter_mut().for_each(|member| member.first += first);
        push.jobs.push(job);
    }
    Ok(first)
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("description", &self.description).finish_non_exhaustive()
    }
}

/// A batch about to be stored; stored when it is awaited, all of it or nothing.
///
/// The errors and the rule about dropping are those of [`Dispatch`].
#[derive(Debug)]
#[must_use = "a batch is dispatched when this is awaited"]
pub struct BatchDispatch(Batch);

impl BatchDispatch {
    /// Stores the batch in a transaction of your own, as [`Dispatch::dispatch_in`] does a job.
    ///
    /// # Errors
    /// Those of [`Dispatch::dispatch_in`].
    pub fn dispatch_in<T: Transaction>(mut self, transaction: T) -> T::Answer<BatchHandle> {
        let jobs = self.0.jobs.take();
        transaction.carry_out(Work::push(jobs, move |now| self.0.push(now), handle))
    }
}

impl IntoFuture for BatchDispatch {
    type Output = Result<BatchHandle>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.run())
    }
}
