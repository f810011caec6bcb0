//! What running jobs say about themselves.

use serde_json::json;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::finish::{Leases, settled};
use super::rows::{millis, row_of, time, unsigned};
use super::server::Server;
use super::text;
use crate::job::{JobId, LogLevel, LogLine, Note};
use crate::store::Settled;

/// Writes notes, each if its job is still running under its lease.
pub(super) async fn note(server: &Server, notes: &[Note]) -> Result<Vec<Settled>, Failed> {
    let leases = Leases::of(notes.iter().map(|note| note.lease));
    let said = || notes.iter().map(|note| note.progress.as_ref());
    let fractions: Vec<Option<f64>> = said().map(|progress| progress.map(|progress| progress.fraction())).collect();
    let messages: Vec<_> = said().map(|progress| progress.map(|progress| text::stored(progress.message()))).collect();
    let ats: Vec<Option<i64>> = said().map(|progress| progress.map(|progress| millis(progress.at()))).collect();
    let checkpoints: Vec<_> = notes.iter().map(|note| note.checkpoint.as_deref().map(text::stored)).collect();
    let logs: Vec<Option<String>> = notes.iter().map(|note| lines(&note.log)).collect();
    let stored = server
        .call_one(
            "SELECT @.note($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                (&leases.claims, Type::INT8_ARRAY),
                (&leases.workers, Type::UUID_ARRAY),
                (&leases.which, Type::INT4_ARRAY),
                (&leases.seqs, Type::INT8_ARRAY),
                (&leases.created_ats, Type::INT8_ARRAY),
                (&leases.attempts, Type::INT4_ARRAY),
                (&fractions, Type::FLOAT8_ARRAY),
                (&messages, Type::TEXT_ARRAY),
                (&ats, Type::INT8_ARRAY),
                (&checkpoints, Type::TEXT_ARRAY),
                (&logs, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(settled(stored.get(0)))
}

fn lines(log: &[LogLine]) -> Option<String> {
    let line = |line: &LogLine| {
        let (at, level, text) = (millis(line.at), line.level.as_str(), text::stored(&line.text));
        json!({ "attempt": line.attempt, "at": at, "level": level, "text": text })
    };
    (!log.is_empty()).then(|| log.iter().map(line).collect::<serde_json::Value>().to_string())
}

/// The kept lines of a job's log, oldest first.
pub(super) async fn log(server: &Server, id: JobId) -> Result<Vec<LogLine>, Failed> {
    let (seq, created_at) = row_of(id);
    let rows = server
        .call(
            "SELECT l.attempt, l.at, l.level, l.text FROM @.logs l JOIN @.stored j ON j.seq = l.job
             WHERE j.seq = $1 AND j.created_at = $2 ORDER BY l.entry",
            &[(&seq, Type::INT8), (&created_at, Type::INT8)],
        )
        .await?;
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Result<LogLine, Failed> {
    let word: &str = row.get("level");
    let level = LogLevel::ALL.into_iter().find(|level| level.as_str() == word);
    let level = level.ok_or_else(|| Failed::Ours(format!("a line of a log has the unknown level `{word}`")))?;
    Ok(LogLine::new(unsigned(row.get("attempt")), time(row.get("at")), level, text::given(row.get("text"))))
}
