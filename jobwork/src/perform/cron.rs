use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::catch;
use crate::client::{IntoJobs, Jobs, current};
use crate::error::{Error, Result};
use crate::job::{Missed, NewJob, Schedule};

type BoxError = Box<dyn StdError + Send + Sync>;
type Make = dyn Fn(&Jobs) -> Result<Vec<NewJob>, BoxError> + Send + Sync;

#[doc = include_str!("../../docs/cron.md")]
#[derive(Clone)]
#[must_use = "a schedule does nothing until it is given to an app"]
pub struct Cron {
    pub(crate) name: String,
    pub(crate) job: &'static str,
    pub(crate) expression: String,
    pub(crate) zone: String,
    pub(crate) missed: Missed,
    make: Arc<Make>,
}

impl Cron {
    /// A schedule of this name and expression, in UTC, whose missed ticks are left out. [`Schedule`] says what an expression is; the
    /// worker refuses to start with one that is wrong.
    ///
    /// `make` is called for each tick by the worker that gets to it first, outside of any job. It should do no more than name a
    /// job and its arguments: what takes longer belongs into the job. If it fails or panics, that is logged, and the tick makes
    /// nothing.
    pub fn new<D: IntoJobs>(
        name: impl Into<String>,
        expression: impl Into<String>,
        make: impl Fn() -> D + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            job: D::NAME,
            expression: expression.into(),
            zone: "UTC".to_owned(),
            missed: Missed::default(),
            make: Arc::new(move |jobs| make().into_jobs(jobs)),
        }
    }

    /// Reads the expression in the time zone of this IANA name, such as `Europe/Vienna`.
    pub fn tz(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// What becomes of ticks that came while no worker was there.
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// Whether its expression and its zone are such.
    pub(crate) fn check(&self) -> Result<()> {
        let parsed = Schedule::parse(&self.expression, &self.zone);
        parsed.map(drop).map_err(|problem| Error::Schedule { name: self.name.clone(), problem })
    }

    /// What it dispatches, with times that count from the client's, or why it can't.
    pub(crate) fn jobs(&self, jobs: &Jobs) -> Result<Vec<NewJob>, String> {
        let made = catch(|| current::with(Some(jobs.clone()), || (self.make)(jobs)));
        made.map_err(|panic| panic.to_string())?.map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({}: {} in {})", self.name, self.expression, self.zone)
    }
}
