use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::dispatch::{complete, to_json};
use super::handle::{result, woken};
use super::placement::{Placement, placement_methods};
use super::step::{Feeds, Single, Step};
use super::transaction::{Transaction, Work};
use super::{Jobs, WaitError};
use crate::clock::after;
use crate::error::{Error, Result};
use crate::job::{Job, JobId, JobOptions, JobState, Membership, NewJob, Record, Wait};
use crate::store::{CancelAnswer, Push, Stored, Topic};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Marks a [`Chain`] whose first step has all its arguments.
#[derive(Clone, Copy, Debug)]
pub struct NoInput;

/// Marks a [`Chain`] whose first step is given a `T` at dispatch.
pub struct Takes<T>(PhantomData<fn(T)>);

/// Jobs that run one after the other, each given the output of the one before; made by `chain!`.
///
/// `In` says what dispatching it takes, `Out` what its last step returns.
#[must_use = "a chain does nothing until it is dispatched"]
pub struct Chain<In, Out> {
    members: Members,
    placement: Placement,
    types: PhantomData<fn(In) -> Out>,
}

/// The jobs of a chain as they are stored, and where the first one takes its input.
struct Members {
    jobs: Result<Vec<NewJob>>,
    /// What the job of each member says about itself.
    options: Vec<JobOptions>,
    input: Option<&'static str>,
    on_error: Option<String>,
}

impl Chain<NoInput, ()> {
    /// A chain that begins with a job whose only argument is given at dispatch.
    pub fn first<J: Job<Params: Single>>() -> Chain<Takes<<J::Params as Single>::Only>, J::Output> {
        Self::first_holed(Step::<_, J>::bare())
    }

    /// A chain that begins with a job one of whose arguments is given at dispatch.
    pub fn first_holed<In, J: Job>(step: Step<In, J>) -> Chain<Takes<In>, J::Output> {
        Chain::begin::<J>(step.job, Some(step.slot))
    }

    /// A chain that begins with this job.
    pub fn first_complete<J: Job>(job: J) -> Chain<NoInput, J::Output> {
        Chain::begin::<J>(complete(&job), None)
    }
}

impl<In, Out> Chain<In, Out> {
    fn begin<J: Job>(job: Result<NewJob>, input: Option<&'static str>) -> Self {
        let options = vec![J::OPTIONS];
        let members = Members { jobs: job.map(|job| vec![job]), options, input, on_error: None };
        Self { members, placement: Placement::default(), types: PhantomData }
    }

    /// Adds a job whose only argument is the output so far.
    pub fn then<J>(self) -> Chain<In, J::Output>
    where
        J: Job<Params: Single>,
        Out: Feeds<<J::Params as Single>::Only>,
    {
        self.then_holed(Step::<<J::Params as Single>::Only, J>::bare())
    }

    /// Adds a job one of whose arguments is the output so far.
    pub fn then_holed<T, J: Job>(self, step: Step<T, J>) -> Chain<In, J::Output>
    where
        Out: Feeds<T>,
    {
        self.add::<J>(step.job, Some(step.slot))
    }

    /// Adds a job that takes nothing from the one before.
    pub fn then_complete<J: Job>(self, job: J) -> Chain<In, J::Output> {
        self.add::<J>(complete(&job), None)
    }

    fn add<J: Job>(mut self, job: Result<NewJob>, slot: Option<&'static str>) -> Chain<In, J::Output> {
        self.members.options.push(J::OPTIONS);
        self.members.jobs = self.members.jobs.and_then(|mut members| {
            let wait = Wait { on: members.len() - 1, slot: slot.map(str::to_owned) };
            members.push(NewJob { waits: vec![wait], ..job? });
            Ok(members)
        });
        Chain { members: self.members, placement: self.placement, types: PhantomData }
    }

    placement_methods!();

    /// Calls this error handler instead of the members' own: one that the worker's app knows by the name, from
    /// [`App::error_handler`](crate::App::error_handler) or a `#[chain]`. A name, because the worker that calls it
    /// is another program than the one that dispatches.
    pub fn on_error(mut self, handler: impl Into<String>) -> Self {
        self.members.on_error = Some(handler.into());
        self
    }

    fn start(self) -> ChainDispatch<Out> {
        ChainDispatch { members: self.members, placement: self.placement, out: PhantomData }
    }
}

impl<Out> Chain<NoInput, Out> {
    /// Stores all members, the first one ready, when it is awaited.
    pub fn dispatch(self) -> ChainDispatch<Out> {
        self.start()
    }
}

impl<In: Serialize, Out> Chain<Takes<In>, Out> {
    /// Stores all members, the first one ready and given `input`, when it is awaited.
    pub fn dispatch(mut self, input: impl Into<In>) -> ChainDispatch<Out> {
        let slot = self.members.input.take();
        self.members.jobs = self.members.jobs.and_then(|mut members| {
            if let (Some(first), Some(slot)) = (members.first_mut(), slot) {
                let input = to_json(&first.name, &input.into())?;
                first.args = crate::store::fill(&first.args, slot, &input).map_err(|source| Error::Json {
                    what: "can't write the arguments",
                    job: first.name.to_string(),
                    source,
                })?;
            }
            Ok(members)
        });
        self.start()
    }
}

/// A chain about to be stored; stored when it is awaited, all members or none.
///
/// The errors and the rule about dropping are those of [`Dispatch`](super::Dispatch). The queue, priority, retries, tags and
/// limits of time given here go to every member, the delay to the first; each member's time counts from when the first is due.
#[must_use = "a chain is dispatched when this is awaited"]
pub struct ChainDispatch<Out> {
    members: Members,
    placement: Placement,
    out: PhantomData<fn() -> Out>,
}

impl<Out> ChainDispatch<Out> {
    placement_methods!();

    async fn run(mut self) -> Result<ChainHandle<Out>> {
        let jobs = self.placement.client().await?;
        let ids = jobs.push(self.new_jobs(jobs.now())?).await?;
        Ok(ChainHandle { ids, jobs, out: PhantomData })
    }

    /// The members as they are stored when the chain is dispatched `now`.
    pub(super) fn new_jobs(self, now: Timestamp) -> Result<Vec<NewJob>> {
        let mut members = self.members.jobs?;
        let due = self.placement.run_at(self.members.options[0].delay, now);
        for ((position, member), options) in (0..).zip(&mut members).zip(&self.members.options) {
            self.placement.place(member);
            member.run_at = if position == 0 { due } else { options.delay.map(|delay| after(now, delay)) };
            self.placement.limit_time(member, options, due.max(member.run_at), now);
            let on_error = self.members.on_error.clone();
            member.chain = Some(Membership { first: 0, position, on_error });
        }
        Ok(members)
    }
}

impl<Out: 'static> ChainDispatch<Out> {
    /// Stores the chain in a transaction of your own, as [`Dispatch::dispatch_in`](crate::Dispatch::dispatch_in) does a job.
    ///
    /// # Errors
    /// Those of [`Dispatch::dispatch_in`](crate::Dispatch::dispatch_in).
    pub fn dispatch_in<T: Transaction>(mut self, transaction: T) -> T::Answer<ChainHandle<Out>> {
        let jobs = self.placement.jobs.take();
        let push = move |now| Ok(Push::of(self.new_jobs(now)?, now));
        let handle = |stored: Stored, jobs| Ok(ChainHandle { ids: stored.ids(), jobs, out: PhantomData });
        transaction.carry_out(Work::push(jobs, push, handle))
    }
}

impl<Out: 'static> IntoFuture for ChainDispatch<Out> {
    type Output = Result<ChainHandle<Out>>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A dispatched chain, to ask after it.
pub struct ChainHandle<Out> {
    ids: Vec<JobId>,
    jobs: Jobs,
    out: PhantomData<fn() -> Out>,
}

impl<Out> ChainHandle<Out> {
    /// The chain's id, which is its first member's.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.ids[0]
    }

    /// The members' ids, in order.
    #[must_use]
    pub fn ids(&self) -> &[JobId] {
        &self.ids
    }

    /// The members, in order.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn members(&self) -> Result<Vec<Record>> {
        self.jobs.inspect()?.chain(self.id(), self.jobs.now()).await
    }

    /// Cancels every member that has not ended: those that wait at once, one that runs by its signal.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn cancel(&self) -> Result<Vec<CancelAnswer>> {
        self.jobs.inspect()?.cancel(&self.ids, self.jobs.now()).await
    }
}

impl<Out: DeserializeOwned> ChainHandle<Out> {
    /// Waits until the last member has ended, and returns what it returned. Cancel safe.
    ///
    /// # Errors
    /// [`WaitError`] when the chain ended without a result, or can't go on because a member is dead.
    pub async fn wait(&self) -> Result<Out, WaitError> {
        let mut settled = self.jobs.store().wakeups(Topic::Settled);
        loop {
            let mut members = self.members().await?;
            if let Some(dead) = members.iter().position(|member| member.state == JobState::Dead) {
                return result(&self.jobs, members.swap_remove(dead)).await;
            }
            match members.pop() {
                None => return Err(Error::NoSuchJob(self.id()).into()),
                Some(last) if last.state.is_final() => return result(&self.jobs, last).await,
                Some(_) => woken(&mut settled).await,
            }
        }
    }
}

impl<Out> Clone for ChainHandle<Out> {
    fn clone(&self) -> Self {
        Self { ids: self.ids.clone(), jobs: self.jobs.clone(), out: PhantomData }
    }
}

impl<T> fmt::Debug for Takes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Takes")
    }
}

impl<In, Out> fmt::Debug for Chain<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.members, f)
    }
}

impl<Out> fmt::Debug for ChainDispatch<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.members, f)
    }
}

impl<Out> fmt::Debug for ChainHandle<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChainHandle").field(&self.ids).finish()
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.jobs.iter().flatten().map(|job| job.name.as_ref());
        f.debug_list().entries(names).finish()
    }
}
