use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::until;
use crate::job::{Job, NewJob};

/// What was dispatched, and when.
#[derive(Debug, Default)]
pub(super) struct Dispatches(Mutex<Vec<(NewJob, Timestamp)>>);

/// What a dispatch must have been like beside its arguments; made by [`assert_dispatched!`].
#[derive(Clone, Debug, Default)]
pub struct Expected {
    times: Option<usize>,
    queue: Option<String>,
    delay: Option<Duration>,
}

impl Expected {
    /// At least one dispatch, to any queue, for any time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// So many dispatches, no more and no fewer.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// To this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Due so long after the dispatch; a zero is at once.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    fn fits(&self, job: &NewJob, at: Timestamp) -> bool {
        let queue = self.queue.as_ref().is_none_or(|queue| *queue == job.queue);
        queue && self.delay.is_none_or(|delay| delay == waits(job, at))
    }

    fn words(&self) -> String {
        let mut words = String::new();
        let _ = self.queue.iter().try_for_each(|queue| write!(words, ", queue `{queue}`"));
        let _ = self.delay.iter().try_for_each(|delay| write!(words, ", delay {delay:?}"));
        words
    }
}

fn waits(job: &NewJob, at: Timestamp) -> Duration {
    job.run_at.map(|due| until(due, at)).unwrap_or_default()
}

impl Dispatches {
    fn lock(&self) -> MutexGuard<'_, Vec<(NewJob, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, job: NewJob, at: Timestamp) {
        self.lock().push((job, at));
    }

    #[track_caller]
    pub(super) fn of<J: Job>(&self) -> Vec<J> {
        let read = |job: &NewJob| match serde_json::from_str(&job.args) {
            Ok(read) => read,
            Err(error) => panic!("`{}` was dispatched with {}, which don't fit it: {error}", J::NAME, job.args),
        };
        self.lock().iter().filter(|(job, _)| job.name == J::NAME).map(|(job, _)| read(job)).collect()
    }

    pub(super) fn check<J: Job>(
        &self,
        what: &str,
        expected: &Expected,
        matches: impl Fn(&J) -> bool,
    ) -> Result<(), String> {
        let jobs = self.lock();
        let fits = |(job, at): &&(NewJob, Timestamp)| {
            job.name == J::NAME
                && expected.fits(job, *at)
                && serde_json::from_str(&job.args).is_ok_and(|job: J| matches(&job))
        };
        let found = jobs.iter().filter(fits).count();
        let wanted = match expected.times {
            None if found > 0 => return Ok(()),
            None => "a dispatch".to_owned(),
            Some(times) if times == found => return Ok(()),
            Some(0) => "no dispatch".to_owned(),
            Some(1) => "1 dispatch".to_owned(),
            Some(times) => format!("{times} dispatches"),
        };
        let words = expected.words();
        let mut message = format!("expected {wanted} of {what}{words}; there were {found}. All dispatches:\n");
        if jobs.is_empty() {
            message.push_str("  none\n");
        }
        jobs.iter().for_each(|(job, at)| describe(job, *at, &mut message));
        Err(message)
    }
}

fn describe(job: &NewJob, at: Timestamp, message: &mut String) {
    let args = if job.encrypted { "<encrypted>" } else { &job.args };
    let _ = write!(message, "  {} {args}, queue `{}`", job.name, job.queue);
    let wait = waits(job, at);
    if !wait.is_zero() {
        let _ = write!(message, ", delay {wait:?}");
    }
    message.push('\n');
}

/// Fails unless a job was dispatched to a [`TestApp`](crate::testing::TestApp), and says what was dispatched instead.
///
/// ```text
/// assert_dispatched!(app, SendEmail);
/// assert_dispatched!(app, SendEmail { to, .. } if to == "ann");
/// assert_dispatched!(app, SendEmail, times = 2, queue = "mail", delay = Duration::from_secs(60));
/// ```
///
/// A job's type, or a pattern of it, which sees references; then, where it matters, how many such dispatches there were,
/// to which queue, and for how much later. Jobs count that the app's hooks let pass, also when a unique key kept them out of the
/// store; those that a schedule made don't.
///
/// # Panics
/// When there was no such dispatch, or not as many.
#[macro_export]
macro_rules! assert_dispatched {
    ($app:expr, $job:path $(, $key:ident = $value:expr)* $(,)?) => {
        $app.check_dispatched(
            ::core::stringify!($job),
            &$crate::testing::Expected::new()$(.$key($value))*,
            |_: &$job| true,
        )
    };
    ($app:expr, $pattern:pat $(if $guard:expr)? $(, $key:ident = $value:expr)* $(,)?) => {
        $app.check_dispatched(
            ::core::stringify!($pattern $(if $guard)?),
            &$crate::testing::Expected::new()$(.$key($value))*,
            |job| ::core::matches!(job, $pattern $(if $guard)?),
        )
    };
}

pub use assert_dispatched;

/// Fails when a job was dispatched to a [`TestApp`](crate::testing::TestApp). What it takes is what [`assert_dispatched!`]
/// takes, but for `times`.
///
/// # Panics
/// When there was such a dispatch.
#[macro_export]
macro_rules! refute_dispatched {
    ($app:expr, $($what:tt)+) => {
        $crate::testing::assert_dispatched!($app, $($what)+, times = 0)
    };
}

pub use refute_dispatched;
