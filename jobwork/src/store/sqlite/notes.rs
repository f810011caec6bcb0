//! What running jobs say about themselves: tables of their own, so that the rows of the jobs stay narrow, and a flag on
//! the job, so that nobody looks there for one that said nothing.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::db::Db;
use super::rows::{flag, malformed, millis, row_of, time};
use super::unreadable::all_sound;
use super::{claims, finish};
use crate::job::{JobId, Lease, LogLevel, LogLine, Note, Progress};
use crate::store::Settled;

/// Writes notes, each if its job is still running under its lease.
pub(super) fn note(db: &Db, notes: &[Note]) -> rusqlite::Result<Vec<Settled>> {
    let mut settled = Vec::with_capacity(notes.len());
    for note in notes {
        settled.push(if note_one(db, note)? { Settled::Stored } else { Settled::Lost });
    }
    Ok(settled)
}

fn note_one(db: &Db, note: &Note) -> rusqlite::Result<bool> {
    let Some((seq, flags)) = running_under(db, note.lease)? else { return Ok(false) };
    if flags & flag::NOTED == 0 {
        db.execute("UPDATE jobwork_jobs SET flags = flags | ?2 WHERE seq = ?1", [seq, flag::NOTED])?;
    }
    write(db, seq, note)?;
    Ok(true)
}

/// The number and the flags of the job that runs under this lease.
fn running_under(db: &Db, lease: Lease) -> rusqlite::Result<Option<(i64, i64)>> {
    let Some((seq, created_at)) = row_of(lease.job) else { return Ok(None) };
    let Some(claimed) = claims::of(db, lease)? else { return Ok(None) };
    let fence = (seq, created_at, lease.attempt.into(), claims::number(lease));
    Ok(finish::running(db, fence, &claimed)?.map(|job| (seq, job.flags)))
}

fn write(db: &Db, seq: i64, note: &Note) -> rusqlite::Result<()> {
    if let Some(progress) = &note.progress {
        db.execute(
            "INSERT INTO jobwork_notes (job, fraction, message, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (job) DO UPDATE SET fraction = ?2, message = ?3, at = ?4",
            params![seq, progress.fraction(), progress.message(), millis(progress.at())],
        )?;
    }
    if let Some(checkpoint) = &note.checkpoint {
        db.execute(
            "INSERT INTO jobwork_notes (job, checkpoint) VALUES (?1, ?2)
             ON CONFLICT (job) DO UPDATE SET checkpoint = ?2",
            params![seq, checkpoint],
        )?;
    }
    for line in &note.log {
        let line = params![seq, line.attempt, millis(line.at), line.level.as_str(), line.text];
        db.execute("INSERT INTO jobwork_logs (job, attempt, at, level, text) VALUES (?1, ?2, ?3, ?4, ?5)", line)?;
    }
    if note.log.is_empty() { Ok(()) } else { drop_oldest(db, seq) }
}

/// Drops the oldest lines of a log, if there are more than are kept.
fn drop_oldest(db: &Db, seq: i64) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare("SELECT entry, length(CAST(text AS BLOB)) FROM jobwork_logs WHERE job = ?1 ORDER BY entry DESC")?;
    let lines = statement.query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let lines: Vec<(i64, u32)> = lines.collect::<Result<_, _>>()?;
    let kept = LogLine::kept(lines.iter().map(|(_, length)| *length as usize));
    if let Some((newest, _)) = lines.get(kept) {
        db.execute("DELETE FROM jobwork_logs WHERE job = ?1 AND entry <= ?2", [seq, *newest])?;
    }
    Ok(())
}

/// Where a job with these flags said to go on.
pub(super) fn checkpoint(db: &Db, job: JobId, flags: i64) -> rusqlite::Result<Option<String>> {
    let Some((seq, _)) = row_of(job).filter(|_| flags & flag::NOTED != 0) else { return Ok(None) };
    let found = db.prepare("SELECT checkpoint FROM jobwork_notes WHERE job = ?1")?.query_row([seq], |row| row.get(0));
    Ok(found.optional()?.flatten())
}

/// A job that completed and is to run again has nothing to go on from.
pub(super) fn begin_anew(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM jobwork_notes WHERE job = ?1", [seq]).map(drop)
}

/// Forgets all that a job said.
pub(super) fn forget(db: &Db, seq: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM jobwork_notes WHERE job = ?1", [seq])?;
    db.execute("DELETE FROM jobwork_logs WHERE job = ?1", [seq]).map(drop)
}

/// The progress of a row of [`RECORD`](super::rows::RECORD).
pub(super) fn progress(row: &Row<'_>) -> rusqlite::Result<Option<Progress>> {
    let Some(fraction) = row.get::<_, Option<f64>>("fraction")? else { return Ok(None) };
    let message: String = row.get("message")?;
    Ok(Some(Progress::new(fraction, message, time(row.get("said_at")?))))
}

/// The kept lines of a job's log, oldest first.
pub(super) fn log(connection: &Connection, id: JobId) -> rusqlite::Result<Vec<LogLine>> {
    let Some(row) = row_of(id) else { return Ok(Vec::new()) };
    let mut lines = connection.prepare_cached(
        "SELECT l.attempt, l.at, l.level, l.text FROM jobwork_logs l JOIN jobwork_jobs j ON j.seq = l.job
         WHERE j.seq = ?1 AND j.created_at = ?2 ORDER BY l.entry",
    )?;
    all_sound(lines.query(row)?, "a line of a job's log", line)
}

fn line(row: &Row<'_>) -> rusqlite::Result<LogLine> {
    let word: String = row.get(2)?;
    let level = LogLevel::ALL.into_iter().find(|level| level.as_str() == word);
    let level = level.ok_or_else(|| malformed(2, format!("unknown level `{word}`")))?;
    Ok(LogLine::new(row.get(0)?, time(row.get(1)?), level, row.get::<_, String>(3)?))
}
