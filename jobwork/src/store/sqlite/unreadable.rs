//! Rows that hold what we never write: a type of another column, a number that no job can have, JSON of somebody else's.
//!
//! SQLite takes any value in any column, the file may be the application's too, and disks forget. Such a row concerns its own job:
//! whoever comes upon it passes it by, or makes that job dead, with the reason, so that it stands in nobody's way; all else of the row is
//! left as it is.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Error, Row, Rows, params};

use super::db::Db;
use super::rows::state;
use super::{ended, finish, ready};
use crate::job::DeadReason;
use crate::store::Topic;

/// Why something can't be read.
pub(super) type Why = Cow<'static, str>;

/// Whether the row is at fault, and the next one may be sound.
pub(super) fn is_unreadable(error: &Error) -> bool {
    use Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

/// What was read, or why the row can't be.
pub(super) fn readable<T>(read: rusqlite::Result<T>) -> rusqlite::Result<Result<T, Why>> {
    match read {
        Err(error) if is_unreadable(&error) => Ok(Err(error.to_string().into())),
        read => read.map(Ok),
    }
}

/// What was read, or nothing where the row can't be, which is logged once of each kind of row.
pub(super) fn sound<T>(read: rusqlite::Result<T>, what: &'static str) -> rusqlite::Result<Option<T>> {
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    Ok(match readable(read)? {
        Ok(found) => Some(found),
        Err(why) => {
            if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
                tracing::error!(%why, "passing by {what} that can't be read, and others like it without another word");
            }
            None
        }
    })
}

/// All rows that can be read.
pub(super) fn all_sound<T>(
    mut rows: Rows,
    what: &'static str,
    read: impl Fn(&Row) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(sound(read(row), what)?);
    }
    Ok(found)
}

/// Makes a call in a transaction of its own, and once more, carefully, where it came upon a row that can't be read.
pub(super) fn alone(db: &Db, mut call: impl FnMut() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let written = db.transaction(&mut call);
    if !written.as_ref().is_err_and(is_unreadable) {
        return written;
    }
    let _careful = Careful::begin(db);
    db.transaction(call)
}

/// A call is made carefully. It is over with it, also after a panic.
struct Careful<'a>(&'a Db<'a>);

impl<'a> Careful<'a> {
    fn begin(db: &'a Db<'a>) -> Self {
        db.careful.set(true);
        Self(db)
    }
}

impl Drop for Careful<'_> {
    fn drop(&mut self) {
        self.0.careful.set(false);
    }
}

/// Does what concerns one job, and not the others of the call; or nothing, if something can't be read. That fails the call at first, since
/// a savepoint a job would be dear; the call is then made again, carefully: each job in a savepoint.
pub(super) fn or_undone<T>(db: &Db, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<Result<T, Why>> {
    if db.careful.get() { db.undoable(|| readable(work())) } else { work().map(Ok) }
}

/// As [`or_undone`], and the job at fault is dead; `None` where it is.
pub(super) fn or_set_aside<T>(
    db: &Db,
    seq: i64,
    at: i64,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match or_undone(db, work)? {
        Ok(done) => Ok(Some(done)),
        Err(why) => set_aside(db, seq, &why, at).map(|()| None),
    }
}

/// Makes a job dead of which something can't be read, as others end where that goes.
pub(super) fn set_aside(db: &Db, seq: i64, why: &str, at: i64) -> rusqlite::Result<()> {
    tracing::error!(row = seq, why, "a job is dead, because its row can't be read");
    let reason = format!("{}: its row can't be read: {why}", DeadReason::Undecodable);
    if db.undoable(|| readable(finish::end(db, seq, state::DEAD, Some(&reason), at)))?.is_err() {
        end_by_itself(db, seq, &reason, at)?;
    }
    // The gates of its slots are looked at, whatever stands in them.
    let freed = "UPDATE jobwork_gates SET wake_at = 0, look_at = 0
        WHERE key IN (SELECT key FROM jobwork_slots WHERE job = ?1)";
    db.execute(freed, [seq])?;
    db.execute("DELETE FROM jobwork_slots WHERE job = ?1", [seq])?;
    db.wake(Topic::Ready);
    Ok(())
}

/// Reads nothing of the job, and tells none of those that it shares something with.
fn end_by_itself(db: &Db, seq: i64, reason: &str, at: i64) -> rusqlite::Result<()> {
    ready::leave(db, seq)?;
    db.execute("DELETE FROM jobwork_held WHERE job = ?1", [seq])?;
    db.execute("UPDATE jobwork_details SET may_expire = 0, has_key = 0 WHERE job = ?1", [seq])?;
    ended::leave(db, seq)?;
    let dead =
        "UPDATE jobwork_jobs SET state = ?2, cancel = iif(cancel, 2, 0), reason = ?3, finished_at = ?4 WHERE seq = ?1";
    db.execute(dead, params![seq, state::DEAD, reason, at])?;
    ended::enter(db, seq)?;
    db.wake(Topic::Settled);
    Ok(())
}

/// A value as it stands in a row, whatever it is: to go on behind it.
pub(super) enum Raw {
    /// Text, which may not be UTF-8.
    Text(Vec<u8>),
    Other(Value),
}

impl Raw {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { std::str::from_utf8(text).ok() } else { None }
    }

    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<i64> {
        if let Self::Other(Value::Integer(number)) = self { Some(*number) } else { None }
    }
}

impl FromSql for Raw {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Text(text) => Ok(Self::Text(text.to_vec())),
            other => Value::column_result(other).map(Self::Other),
        }
    }
}

impl ToSql for Raw {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text)),
            Self::Other(value) => ToSqlOutput::Borrowed(value.into()),
        })
    }
}
