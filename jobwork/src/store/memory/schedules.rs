use async_trait::async_trait;
use jiff::Timestamp;

use super::Memory;
use super::rows::Rows;
use crate::error::Result;
use crate::store::{Fire, NewSchedule, ScheduleChange, ScheduleRecord, Schedules, Stored};

#[async_trait]
impl Schedules for Memory {
    async fn declare(&self, schedules: Vec<NewSchedule>, now: Timestamp) -> Result<()> {
        self.write(|rows| schedules.into_iter().for_each(|new| rows.declare(new, now)));
        Ok(())
    }

    async fn list(&self) -> Result<Vec<ScheduleRecord>> {
        Ok(self.read(|rows| rows.schedules.values().cloned().collect()))
    }

    async fn fire(&self, fire: Fire) -> Result<Option<Stored>> {
        self.write(|rows| rows.fire(fire))
    }

    async fn change(&self, name: &str, change: ScheduleChange, now: Timestamp) -> Result<bool> {
        Ok(self.write(|rows| rows.change_schedule(name, change, now)))
    }
}

impl Rows {
    fn declare(&mut self, new: NewSchedule, now: Timestamp) {
        match self.schedules.get_mut(&new.name) {
            Some(schedule) => schedule.declare(new, now),
            None => drop(self.schedules.insert(new.name.clone(), ScheduleRecord::new(new, now))),
        }
    }

    fn fire(&mut self, fire: Fire) -> Result<Option<Stored>> {
        let awaited = self.schedules.get(&fire.name).filter(|schedule| schedule.awaits(&fire));
        let Some(mut schedule) = awaited.cloned() else { return Ok(None) };
        schedule.fired(&fire);
        let stored = self.push(fire.push)?;
        self.schedules.insert(fire.name, schedule);
        Ok(Some(stored))
    }

    fn change_schedule(&mut self, name: &str, change: ScheduleChange, now: Timestamp) -> bool {
        if change == ScheduleChange::Remove {
            return self.schedules.remove(name).is_some();
        }
        let found = self.schedules.get_mut(name);
        found.map(|schedule| schedule.change(change, now)).is_some()
    }
}
