use super::Jobs;
use crate::error::{Error, Result};
use crate::job::Schedule;
use crate::store::{Due, ScheduleChange, ScheduleRecord, Schedules};

/// Schedules, looked at and changed by hand. Workers see a change within their poll interval, a second by default.
impl Jobs {
    /// The schedules that programs on this store have declared, by name.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the store keeps none, [`Error::Store`] when it fails.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRecord>> {
        self.kept()?.list().await
    }

    /// Keeps a schedule from making jobs until it is resumed. What comes meanwhile is not made up for.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`]; else as [`schedules`](Self::schedules).
    pub async fn pause_schedule(&self, name: &str) -> Result<()> {
        self.change_schedule(name, ScheduleChange::Pause).await
    }

    /// Lets a schedule make jobs again, from its next tick on.
    ///
    /// # Errors
    /// As [`pause_schedule`](Self::pause_schedule).
    pub async fn resume_schedule(&self, name: &str) -> Result<()> {
        self.change_schedule(name, ScheduleChange::Resume).await
    }

    /// Lets a schedule make its jobs once, out of turn, even while it is paused. They are made by a worker that declares it, as soon as
    /// there is one.
    ///
    /// # Errors
    /// As [`pause_schedule`](Self::pause_schedule).
    pub async fn run_schedule(&self, name: &str) -> Result<()> {
        self.change_schedule(name, ScheduleChange::Run).await
    }

    /// Gives a schedule another expression, and another time zone if one is named. It stays so, whatever the code says, until it is
    /// [reset](Self::reset_schedule).
    ///
    /// # Errors
    /// [`Error::Schedule`] for what is no expression or no zone; else as [`pause_schedule`](Self::pause_schedule).
    pub async fn edit_schedule(&self, name: &str, expression: &str, zone: Option<&str>) -> Result<()> {
        let found = self.schedules().await?.into_iter().find(|schedule| schedule.name == name);
        let zone = zone.map(str::to_owned).or(found.map(|schedule| schedule.due.zone));
        let zone = zone.ok_or_else(|| Error::NoSuchSchedule(name.to_owned()))?;
        let schedule = Schedule::parse(expression, &zone);
        let schedule = schedule.map_err(|problem| Error::Schedule { name: name.to_owned(), problem })?;
        let due = Due { expression: schedule.expression().to_owned(), zone };
        self.change_schedule(name, ScheduleChange::Edit(due)).await
    }

    /// Makes a schedule due again as the code says.
    ///
    /// # Errors
    /// As [`pause_schedule`](Self::pause_schedule).
    pub async fn reset_schedule(&self, name: &str) -> Result<()> {
        self.change_schedule(name, ScheduleChange::Reset).await
    }

    /// Forgets a schedule. A worker that declares it brings it back when it starts: this is for those that no code declares any more.
    ///
    /// # Errors
    /// As [`pause_schedule`](Self::pause_schedule).
    pub async fn remove_schedule(&self, name: &str) -> Result<()> {
        self.change_schedule(name, ScheduleChange::Remove).await
    }

    async fn change_schedule(&self, name: &str, change: ScheduleChange) -> Result<()> {
        match self.kept()?.change(name, change, self.now()).await? {
            true => Ok(()),
            false => Err(Error::NoSuchSchedule(name.to_owned())),
        }
    }

    fn kept(&self) -> Result<&dyn Schedules> {
        self.store().schedules().ok_or(Error::Unsupported { store: self.store().name(), what: "keep schedules" })
    }
}
