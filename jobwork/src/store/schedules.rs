use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Push, Stored};
use crate::error::Result;
use crate::job::Missed;

/// Schedules, and the jobs that their ticks make.
///
/// What a schedule makes is known only to the programs that declare it. The store knows when it is due, and sees to it that
/// a tick makes its jobs once, over all workers: whoever fires first moves the schedule past the tick in the same write.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Makes schedules known as a program's code has them. One that is new begins now. One that was changed by hand
    /// stays as it was changed. Those that are not named stay, too: another program may declare them.
    async fn declare(&self, schedules: Vec<NewSchedule>, now: Timestamp) -> Result<()>;

    /// All schedules, by name.
    async fn list(&self) -> Result<Vec<ScheduleRecord>>;

    /// Stores the jobs of a tick, or of a run that was asked for, and notes that it was done; `None`, and nothing is stored,
    /// when the schedule is past it, is paused, was changed or is gone.
    async fn fire(&self, fire: Fire) -> Result<Option<Stored>>;

    /// Changes a schedule by hand; says whether there is one of this name.
    async fn change(&self, name: &str, change: ScheduleChange, now: Timestamp) -> Result<bool>;
}

/// A schedule as the code of a program has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSchedule {
    /// Its name.
    pub name: String,
    /// The name of the job that it makes, for display.
    pub job: String,
    /// When it is due.
    pub due: Due,
    /// What becomes of ticks that came while no worker was there.
    pub missed: Missed,
}

/// When a schedule is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The cron expression.
    pub expression: String,
    /// The IANA name of the time zone.
    pub zone: String,
}

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// Its name.
    pub name: String,
    /// The name of the job that it makes.
    pub job: String,
    /// When it is due.
    #[serde(flatten)]
    pub due: Due,
    /// When it is due by the code that declared it last.
    pub declared: Due,
    /// Whether it was changed by hand, and so differs from the code.
    pub edited: bool,
    /// What becomes of ticks that came while no worker was there.
    pub missed: Missed,
    /// Whether it makes no jobs for the time being.
    pub paused: bool,
    /// The last tick that made jobs.
    pub last_tick: Option<Timestamp>,
    /// Ticks up to here are past: they made their jobs, or will make none.
    pub past: Timestamp,
    /// When somebody asked for a run out of turn that has not been made yet.
    pub asked: Option<Timestamp>,
    /// When it was declared first.
    pub created_at: Timestamp,
    /// When it was declared last, by a worker that started.
    pub declared_at: Timestamp,
}

/// Jobs that are due by a schedule.
#[derive(Clone, Debug)]
pub struct Fire {
    /// The schedule.
    pub name: String,
    /// When it was due for whoever fires: nothing is stored if that has changed.
    pub due: Due,
    /// Why.
    pub cause: Cause,
    /// The jobs.
    pub push: Push,
}

/// Why a schedule makes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its ticks up to this one have come.
    Tick(Timestamp),
    /// Somebody asked for a run.
    Asked,
}

/// A change of a schedule by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleChange {
    /// It makes no jobs until it is resumed.
    Pause,
    /// It makes jobs again, from the next tick on.
    Resume,
    /// It is due otherwise, from now on, whatever the code says.
    Edit(Due),
    /// It is due as the code says, from now on.
    Reset,
    /// It makes its jobs once out of turn, even while it is paused.
    Run,
    /// It is forgotten, until a worker starts that declares it.
    Remove,
}

/// What every store does with its schedules, so that it only has to keep them.
impl ScheduleRecord {
    /// A schedule that begins now.
    #[must_use]
    pub fn new(new: NewSchedule, now: Timestamp) -> Self {
        Self {
            name: new.name,
            job: new.job,
            declared: new.due.clone(),
            due: new.due,
            edited: false,
            missed: new.missed,
            paused: false,
            last_tick: None,
            past: now,
            asked: None,
            created_at: now,
            declared_at: now,
        }
    }

    /// Takes over what the code of a program says.
    pub fn declare(&mut self, new: NewSchedule, now: Timestamp) {
        (self.job, self.missed, self.declared, self.declared_at) = (new.job, new.missed, new.due, now);
        if !self.edited {
            self.set_due(self.declared.clone(), now);
        }
    }

    /// Changes it as somebody wants; removing is left to the store.
    pub fn change(&mut self, change: ScheduleChange, now: Timestamp) {
        match change {
            ScheduleChange::Pause => self.paused = true,
            ScheduleChange::Resume if self.paused => (self.paused, self.past) = (false, self.past.max(now)),
            ScheduleChange::Edit(due) => {
                self.edited = due != self.declared;
                self.set_due(due, now);
            }
            ScheduleChange::Reset => {
                self.edited = false;
                self.set_due(self.declared.clone(), now);
            }
            ScheduleChange::Run => self.asked = Some(now),
            ScheduleChange::Resume | ScheduleChange::Remove => {}
        }
    }

    /// What the new expression would have been due before it was set is not missed.
    fn set_due(&mut self, due: Due, now: Timestamp) {
        if self.due != due {
            (self.due, self.past) = (due, self.past.max(now));
        }
    }

    /// Whether these jobs are to be stored.
    #[must_use]
    pub fn awaits(&self, fire: &Fire) -> bool {
        match fire.cause {
            Cause::Tick(tick) => !self.paused && self.past < tick && self.due == fire.due,
            Cause::Asked => self.asked.is_some(),
        }
    }

    /// Notes that they were.
    pub fn fired(&mut self, fire: &Fire) {
        match fire.cause {
            Cause::Tick(tick) => {
                self.past = tick;
                if !fire.push.jobs.is_empty() {
                    self.last_tick = Some(tick);
                }
            }
            Cause::Asked => self.asked = None,
        }
    }

    /// The next tick after this time; `None` while it is paused, and where the expression or the zone isn't known here.
    #[cfg(feature = "cron")]
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let schedule = crate::job::Schedule::parse(&self.due.expression, &self.due.zone).ok()?;
        if self.paused { None } else { schedule.next(after.max(self.past)) }
    }
}
