//! Schedules: a row each, which every change reads and writes whole.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::call::Rank;
use super::db::Db;
use super::rows::malformed;
use super::unreadable::{all_sound, readable};
use super::{Sqlite, push};
use crate::error::Result;
use crate::store::{Fire, NewSchedule, ScheduleChange, ScheduleRecord, Schedules, Stored};

#[async_trait]
impl Schedules for Sqlite {
    async fn declare(&self, schedules: Vec<NewSchedule>, now: Timestamp) -> Result<()> {
        self.writer().write(move |db| schedules.iter().try_for_each(|new| declare(db, new, now))).await
    }

    async fn list(&self) -> Result<Vec<ScheduleRecord>> {
        let list = "SELECT schedule FROM jobwork_schedules ORDER BY name";
        self.reader().call(move |rows| all_sound(rows.prepare_cached(list)?.query([])?, "a schedule", record)).await
    }

    async fn fire(&self, fire: Fire) -> Result<Option<Stored>> {
        fire.push.check()?;
        let again = fire.clone();
        // Of all the workers that see a tick come, only the first has something to write.
        let look = move |db: &Db| Ok(awaiting(db, &fire)?.is_none().then_some(Ok(None)));
        self.writer().call(Rank::Other, look, move |db| self::fire(db, &again)).await?
    }

    async fn change(&self, name: &str, change: ScheduleChange, now: Timestamp) -> Result<bool> {
        let name = name.to_owned();
        self.writer().write(move |db| self::change(db, &name, &change, now)).await
    }
}

fn declare(db: &Db, new: &NewSchedule, now: Timestamp) -> rusqlite::Result<()> {
    let schedule = match readable(find(db, &new.name))? {
        Ok(Some(mut schedule)) => {
            schedule.declare(new.clone(), now);
            schedule
        }
        Ok(None) => ScheduleRecord::new(new.clone(), now),
        // Somebody else's: it stays as it is, and the others are declared.
        Err(why) => {
            tracing::error!(schedule = new.name, %why, "a schedule that can't be read is left alone, and does not tick");
            return Ok(());
        }
    };
    write(db, &schedule)
}

/// A push that is refused has stored nothing, and its tick is not past.
fn fire(db: &Db, fire: &Fire) -> rusqlite::Result<Result<Option<Stored>>> {
    let Some(mut schedule) = awaiting(db, fire)? else { return Ok(Ok(None)) };
    let stored = push::push(db, &Arc::new(fire.push.clone()))?;
    if stored.is_ok() {
        schedule.fired(fire);
        write(db, &schedule)?;
    }
    Ok(stored.map(Some))
}

fn change(db: &Db, name: &str, change: &ScheduleChange, now: Timestamp) -> rusqlite::Result<bool> {
    if *change == ScheduleChange::Remove {
        return Ok(db.execute("DELETE FROM jobwork_schedules WHERE name = ?1", [name])? > 0);
    }
    let Some(mut schedule) = find(db, name)? else { return Ok(false) };
    schedule.change(change.clone(), now);
    write(db, &schedule)?;
    Ok(true)
}

/// The schedule, if these jobs are to be stored.
fn awaiting(db: &Db, fire: &Fire) -> rusqlite::Result<Option<ScheduleRecord>> {
    Ok(find(db, &fire.name)?.filter(|schedule| schedule.awaits(fire)))
}

fn find(db: &Db, name: &str) -> rusqlite::Result<Option<ScheduleRecord>> {
    db.prepare("SELECT schedule FROM jobwork_schedules WHERE name = ?1")?.query_row([name], record).optional()
}

fn write(db: &Db, schedule: &ScheduleRecord) -> rusqlite::Result<()> {
    let text =
        serde_json::to_string(schedule).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    db.execute(
        "INSERT OR REPLACE INTO jobwork_schedules (name, schedule) VALUES (?1, ?2)",
        params![schedule.name, text],
    )?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<ScheduleRecord> {
    serde_json::from_str(&row.get::<_, String>(0)?).map_err(|error| malformed(0, error))
}
