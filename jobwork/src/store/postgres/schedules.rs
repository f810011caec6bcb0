//! Schedules: a row each, which every change reads and writes whole, unless another one came between.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::look::{malformed, readable};
use super::{Postgres, new_job};
use crate::error::{Error, Result};
use crate::store::{Fire, NewSchedule, ScheduleChange, ScheduleRecord, Schedules, Stored, Topic};

/// A schedule, and its stored form.
type Found = (ScheduleRecord, String);

#[async_trait]
impl Schedules for Postgres {
    async fn declare(&self, schedules: Vec<NewSchedule>, now: Timestamp) -> Result<()> {
        for new in schedules {
            self.declare_one(new, now).await?;
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<ScheduleRecord>> {
        let found =
            self.server().call("SELECT schedule FROM @.schedules ORDER BY name", &[]).await.map_err(Error::store)?;
        Ok(readable(&found, "a schedule", |row| parsed(row.get(0))))
    }

    async fn fire(&self, fire: Fire) -> Result<Option<Stored>> {
        new_job::check(&fire.push)?;
        loop {
            let Some((mut schedule, before)) = self.find_schedule(&fire.name).await? else { return Ok(None) };
            if !schedule.awaits(&fire) {
                return Ok(None);
            }
            schedule.fired(&fire);
            if let Some(stored) = self.fire_once(&fire, &before, &text(&schedule)?).await? {
                self.server().hints.tell(Topic::Ready);
                return stored.map(Some);
            }
        }
    }

    async fn change(&self, name: &str, change: ScheduleChange, now: Timestamp) -> Result<bool> {
        if change != ScheduleChange::Remove {
            return self.change_schedule(name, |schedule| schedule.change(change.clone(), now)).await;
        }
        while let Some(before) = self.find_text(name).await? {
            if self.swap(name, Some(&before), None).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Postgres {
    async fn declare_one(&self, new: NewSchedule, now: Timestamp) -> Result<()> {
        loop {
            let before = self.find_text(&new.name).await?;
            let after = match before.as_deref().map(parsed) {
                None => ScheduleRecord::new(new.clone(), now),
                Some(Ok(mut schedule)) => {
                    schedule.declare(new.clone(), now);
                    schedule
                }
                // Somebody else's: it stays as it is, and the others are declared.
                Some(Err(error)) => {
                    let name = new.name;
                    tracing::error!(name, %error, "a schedule that can't be read is left alone, and does not tick");
                    return Ok(());
                }
            };
            // Where another program was faster, its schedule is what is changed.
            if self.swap(&new.name, before.as_deref(), Some(&text(&after)?)).await? {
                return Ok(());
            }
        }
    }

    async fn find_text(&self, name: &str) -> Result<Option<String>> {
        let one = "SELECT schedule FROM @.schedules WHERE name = $1";
        let found = self.server().call(one, &[(&name, Type::TEXT)]).await.map_err(Error::store)?.pop();
        Ok(found.map(|row| row.get(0)))
    }

    async fn find_schedule(&self, name: &str) -> Result<Option<Found>> {
        let Some(text) = self.find_text(name).await? else { return Ok(None) };
        Ok(Some((parsed(&text).map_err(Error::store)?, text)))
    }

    /// Changes a schedule; says whether there is one.
    async fn change_schedule(&self, name: &str, change: impl Fn(&mut ScheduleRecord) + Send) -> Result<bool> {
        while let Some((mut schedule, before)) = self.find_schedule(name).await? {
            change(&mut schedule);
            if self.swap(name, Some(&before), Some(&text(&schedule)?)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn swap(&self, name: &str, before: Option<&str>, after: Option<&str>) -> Result<bool> {
        let params = [(&name as _, Type::TEXT), (&before as _, Type::TEXT), (&after as _, Type::TEXT)];
        Ok(self.server().call_one("SELECT @.swap_schedule($1, $2, $3)", &params).await.map_err(Error::store)?.get(0))
    }

    /// What became of the push; `None` where the schedule has changed meanwhile.
    async fn fire_once(&self, fire: &Fire, before: &str, after: &str) -> Result<Option<Result<Stored>>> {
        let push = new_job::push(&fire.push).to_string();
        let params = [
            (&fire.name as _, Type::TEXT),
            (&before as _, Type::TEXT),
            (&after as _, Type::TEXT),
            (&push as _, Type::TEXT),
        ];
        let fired = "SELECT @.fire($1, $2, $3, $4::text::jsonb)::text";
        let answer: Option<String> = self.server().change_one(fired, &params).await.map_err(Error::store)?.get(0);
        let answer = answer
            .map(|text| serde_json::from_str::<new_job::Answer>(&text).map_err(malformed))
            .transpose()
            .map_err(Error::store)?;
        Ok(answer.map(|answer| answer.stored(&fire.push)))
    }
}

fn parsed(text: &str) -> std::result::Result<ScheduleRecord, Failed> {
    serde_json::from_str(text).map_err(malformed)
}

fn text(schedule: &ScheduleRecord) -> Result<String> {
    serde_json::to_string(schedule).map_err(Error::store)
}
