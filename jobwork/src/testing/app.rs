use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::dispatches::{Dispatches, Expected};
use super::drained::Drained;
use super::faults::Faults;
use super::store::TestStore;
use crate::client::{Jobs, current};
use crate::clock::{Clock, after};
use crate::error::{Error, Result};
use crate::job::{Job, JobError};
use crate::perform::Perform;
use crate::worker::{App, Step, Stepper};

/// More attempts than this in one go are a job that makes work for itself without end.
const MOST: usize = 100_000;

/// An app on a memory store of its own, with a clock that moves when it is told to. See [the chapter](crate::testing).
///
/// Nothing runs by itself: jobs are performed inside [`drain`](Self::drain), [`advance`](Self::advance) and
/// [`perform_now`](Self::perform_now), one after the other, on the runtime of the test, from whatever queue they are in.
/// Stop hooks are not called. A test that calls these in two places at once gives up their order.
#[derive(Debug)]
pub struct TestApp {
    performer: Arc<Performer>,
    time: Time,
    dispatches: Arc<Dispatches>,
    faults: Faults,
}

/// A time of day that stands still until it is moved.
#[derive(Clone, Debug)]
struct Time(Arc<Mutex<Timestamp>>);

impl Time {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

impl TestApp {
    /// This app on a fresh store. Its own store, if it was given one, is left alone.
    ///
    /// # Panics
    /// When the app can't work as it is configured, or a start hook fails.
    pub async fn new(app: App) -> Self {
        Self::at(app, Timestamp::now()).await
    }

    /// The same at a time of the test's own: for what depends on the time of day, as the schedules of `cron` do.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub async fn at(app: App, start: Timestamp) -> Self {
        Self::begin(app, Arc::default(), start).await
    }

    /// The same in inline mode: whatever is dispatched is performed, with all that follows from it and is not due later,
    /// before the dispatch returns, also inside of a job.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub async fn inline(app: App) -> Self {
        let store = Arc::<TestStore>::default();
        let app = Self::begin(app, Arc::clone(&store), Timestamp::now()).await;
        store.inline.get_or_init(|| Arc::downgrade(&app.performer));
        app
    }

    async fn begin(app: App, store: Arc<TestStore>, start: Timestamp) -> Self {
        let (time, faults) = (Time(Arc::new(Mutex::new(start))), Faults::default());
        let clock = time.clone();
        let jobs = Jobs::new(store).with_clock(Clock::from_fn(move || clock.now()));
        let dispatches = Arc::<Dispatches>::default();
        let (kept, clock) = (Arc::clone(&dispatches), time.clone());
        let keep = move |job: &mut crate::job::NewJob| {
            kept.add(job.clone(), clock.now());
            Ok::<(), Error>(())
        };
        let stepper = Stepper::start(app.jobs(jobs).middleware(faults.clone()).on_dispatch(keep)).await;
        let stepper = stepper.unwrap_or_else(|error| panic!("the app can't start: {error}"));
        Self { performer: Arc::new(Performer(stepper)), time, dispatches, faults }
    }

    /// The client of the app, to dispatch with and to look at jobs.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        self.performer.0.jobs()
    }

    /// Runs code that dispatches without naming a client, as most of yours does: its jobs go to this app. Code that it spawns on
    /// a task of its own is outside.
    pub async fn scope<F: Future>(&self, code: F) -> F::Output {
        current::scope(self.jobs().clone(), code).await
    }

    /// Performs everything that is ready, and what becomes ready by it, until nothing is. What is due later, such as the retry of
    /// a job that failed or the next tick of a schedule, is left for later.
    ///
    /// # Panics
    /// When there is no end to it.
    pub async fn drain(&self) -> Drained {
        self.performer.drain().await.unwrap_or_else(|error| panic!("can't drain: {error}")).0
    }

    /// The time it is for the app. It begins with the time at which the app was made, or [`at`](Self::at) which it is to
    /// begin, and stands still by itself; timeouts of jobs, and sleeps inside of them, follow tokio's clock instead.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Lets time pass, and performs on the way, in order of time, what is ready or falls due: jobs dispatched for later, retries,
    /// snoozes, jobs that a rate held back, and those of schedules, each at its own time; jobs that expire do so. Time jumps
    /// from one of them to the next, so a year in which little happens takes no longer than a minute of it.
    ///
    /// # Panics
    /// When more than a hundred thousand attempts are made.
    pub async fn advance(&self, time: Duration) -> Drained {
        let target = after(self.now(), time);
        let mut all = Drained::default();
        loop {
            let drained = self.performer.drain().await;
            let (drained, next_due) = drained.unwrap_or_else(|error| panic!("can't drain: {error}"));
            all.0.extend(drained.0);
            assert!(all.len() <= MOST, "more than {MOST} attempts in {time:?}: that is too much for one test");
            match next_due.filter(|due| *due > self.now() && *due < target) {
                Some(due) => self.time.set(due),
                None if self.now() < target => self.time.set(target),
                None => return all,
            }
        }
    }

    /// Performs a job past the store: one attempt, with middleware and all that is injected, and gives what it returned. Its
    /// timeout, its retries and its error handlers play no part.
    ///
    /// # Errors
    /// What the job, or a middleware, returned as its error; a panic is one of the kind
    /// [`Panic`](crate::FailureKind::Panic).
    ///
    /// # Panics
    /// When the app has no such job.
    pub async fn perform_now<J: Perform>(&self, job: J) -> Result<J::Output, JobError> {
        let args = serde_json::to_string(&job);
        let args = args.unwrap_or_else(|error| panic!("can't write `{}` as JSON: {error}", J::NAME));
        match self.performer.0.perform::<J>(args).await {
            Some(result) => self.performer.0.decode::<J>(result),
            None => panic!("the app has no job `{}`: give it one with `App::register`", J::NAME),
        }
    }

    /// Makes the next attempt of each job of this type that comes first fail with an error, as if the job had returned it. The
    /// app's middleware sees it; the job's own isn't called.
    pub fn fail_next<J: Job>(&self, error: JobError) {
        self.fail_times::<J>(1, error);
    }

    /// Makes the next `times` attempts of jobs of this type fail with an error, after those that are to fail already.
    pub fn fail_times<J: Job>(&self, times: usize, error: JobError) {
        self.faults.add(J::NAME, error, times);
    }

    /// The jobs of this type that were dispatched, in their order: all that the app's hooks let pass, also when a unique key kept
    /// them out of the store.
    ///
    /// # Panics
    /// When one was dispatched with arguments that don't fit its type, by name for instance.
    #[must_use]
    #[track_caller]
    pub fn dispatched<J: Job>(&self) -> Vec<J> {
        self.dispatches.of::<J>()
    }

    /// What `assert_dispatched!` calls.
    #[doc(hidden)]
    #[track_caller]
    pub fn check_dispatched<J: Job>(&self, what: &str, expected: &Expected, matches: impl Fn(&J) -> bool) {
        if let Err(problem) = self.dispatches.check(what, expected, matches) {
            panic!("{problem}");
        }
    }
}

/// The part of a test app that the store calls in inline mode.
#[derive(Debug)]
pub(super) struct Performer(Stepper);

impl Performer {
    /// Performs what is ready, and says when the next job or tick is due.
    pub(super) async fn drain(&self) -> Result<(Drained, Option<Timestamp>)> {
        let mut drained = Drained::default();
        self.0.expire().await?;
        loop {
            match self.0.step().await? {
                Step::Nothing(next_due) => return Ok((drained, next_due)),
                Step::Performed(id) => drained.0.extend(self.0.jobs().get(id).await?),
            }
            if drained.len() > MOST {
                let problem = format!("more than {MOST} attempts and no end: does a job dispatch itself?");
                return Err(Error::Config(problem));
            }
        }
    }
}
