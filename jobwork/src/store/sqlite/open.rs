//! Opening a file, and saying what is wrong when that fails.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::busy;
use super::schema::{self, Unusable};
use crate::error::{Error, Result};

/// More statements than there are in this store.
const STATEMENTS: usize = 256;

/// The one path that every name of the file leads to, whether or not the file exists yet.
pub(super) fn canonical(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        let example = path.join("jobs.db");
        let problem = format!("it is a directory, expected a file such as {}", example.display());
        return Err(refused(path, if path.as_os_str().is_empty() { "its name is empty".to_owned() } else { problem }));
    };
    if let Ok(found) = path.canonicalize() {
        return Ok(found);
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let found = parent.canonicalize().map_err(|error| {
        let parent = parent.display();
        refused(path, format!("its directory {parent} can't be used ({error}), create that first"))
    })?;
    Ok(found.join(name))
}

/// Opens a file to write, with all tables.
pub(super) fn prepare(path: &Path) -> Result<Connection> {
    let read_only = || refused(path, "the file is read-only, expected one that can be written".to_owned());
    // Root could write to such a file.
    if fs::metadata(path).is_ok_and(|found| found.permissions().readonly()) {
        return Err(read_only());
    }
    let connection = connect(path).map_err(|error| explain(path, &error))?;
    // A file of somebody else's or on a read-only disk is opened to read, and then every write fails, also when it could be written again.
    if connection.is_readonly(MAIN_DB).map_err(|error| explain(path, &error))? {
        return Err(read_only());
    }
    set_up(&connection).map_err(|error| explain(path, &error))?;
    schema::migrate(&connection).map_err(|unusable| match unusable {
        Unusable::Failed(error) => explain(path, &error),
        Unusable::Newer { found, known } => refused(
            path,
            format!(
                "its tables have version {found}, and this build of jobwork knows versions up to {known}: \
                 build with the jobwork that made it, or a newer one, or use another file"
            ),
        ),
    })?;
    Ok(connection)
}

/// Opens a connection that waits for locks as long as it takes.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    busy::be_patient(&mut connection)?;
    // Without this, statements are prepared anew for other values, in case another partial index would do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A commit after which the log has so many pages has them written back. The answer is the new setting.
pub(super) const CHECKPOINTS: &str = "PRAGMA wal_autocheckpoint = 4000";

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    // Switching to WAL reports a lock at once, busy handler or not.
    busy::patiently(|| connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())))?;
    // Only macOS knows a sync that reaches the disk from one that doesn't, and does the lesser if not told otherwise.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16000;",
    )?;
    connection.query_row(CHECKPOINTS, [], |_| Ok(()))
}

fn explain(path: &Path, error: &rusqlite::Error) -> Error {
    let parent = path.parent().unwrap_or(path).display();
    let problem = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is not an sqlite database, expected one or no file yet".to_owned(),
        Some(ErrorCode::CannotOpen) => {
            format!("the file and its neighbours in {parent} can't be created or opened, are they yours to write?")
        }
        Some(ErrorCode::ReadOnly) => format!("it can't be written, is {parent} yours to write?"),
        _ => error.to_string(),
    };
    refused(path, problem)
}

pub(super) fn refused(path: &Path, problem: String) -> Error {
    Error::Open { place: path.display().to_string(), problem }
}

pub(super) fn not_started(path: &Path, error: &std::io::Error) -> Error {
    refused(path, format!("no thread could be started for it: {error}"))
}
