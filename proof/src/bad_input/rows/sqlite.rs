use std::path::Path;

use arbitrary::{Result, Unstructured};
use jobwork::store::sqlite::Sqlite;
use rusqlite::Connection;

/// An SQLite file of jobs, in which somebody writes what no store does: any value in any column.
///
/// # Panics
/// Where a job beside those does not come to its end, and where a call panics.
pub fn sqlite_rows(bytes: &[u8]) {
    crate::bad_input::run(false, async {
        let directory = tempfile::tempdir().expect("there is room for a file");
        let file = directory.path().join("jobs.db");
        let store = Sqlite::open(&file).await.expect("the file is opened");
        let jobs = super::stored(&store).await.expect("jobs are stored");
        let written = disturb(&file, &jobs.odd_numbers(), &mut Unstructured::new(bytes));
        super::check(&store, &jobs, &written).await;
    });
}

/// The values that columns get, in SQL: of each type, and at each end of it.
const VALUES: [&str; 34] = [
    "NULL",
    "0",
    "1",
    "2",
    "-1",
    "7",
    "4294967296",
    "1099511627776",
    "-1099511627776",
    "4611686018427387903",
    "4611686018427387904",
    "9223372036854775806",
    "9223372036854775807",
    "-9223372036854775808",
    "0.5",
    "-1.5",
    "1e300",
    "-9e999",
    "''",
    "'odd'",
    "'unknown'",
    "'5'",
    "char(0)",
    "'{}'",
    "'[]'",
    "'null'",
    "'[[7,8]]'",
    "'[\"a\"]'",
    "'{\"concurrency\":0}'",
    "'[{\"key\":\"odd\",\"rule\":{\"rate\":{\"count\":0,\"per\":{\"secs\":0,\"nanos\":0}}}}]'",
    "CAST(x'fffe' AS TEXT)",
    "x''",
    "x'00ff'",
    "1800000000000",
];

/// Those of them that are numbers of sound jobs.
const SOUND: [&str; 2] = ["1", "2"];

/// The tables that have rows of jobs, and the columns that say whose a row is.
const OF_JOBS: [(&str, &str); 11] = [
    ("jobwork_jobs", "seq"),
    ("jobwork_details", "job"),
    ("jobwork_ready", "seq"),
    ("jobwork_held", "job"),
    ("jobwork_ended", "job"),
    ("jobwork_links", "child"),
    ("jobwork_attempts", "job"),
    ("jobwork_slots", "job"),
    ("jobwork_notes", "job"),
    ("jobwork_logs", "job"),
    ("jobwork_finished_in", "job"),
];

/// The tables whose rows are no sound job's.
const OF_OTHERS: [&str; 8] = [
    "jobwork_claims",
    "jobwork_workers",
    "jobwork_batches",
    "jobwork_schedules",
    "jobwork_buckets",
    "jobwork_gates",
    "jobwork_pauses",
    "jobwork_queue_limits",
];

/// Writes into the rows of these jobs, and into such as are no job's; says what.
fn disturb(file: &Path, jobs: &[i64], input: &mut Unstructured<'_>) -> Vec<String> {
    let connection = Connection::open(file).expect("the file can be opened twice");
    let mut done = Vec::new();
    while let Ok(sql) = statement(&connection, jobs, input) {
        // What the tables refuse is none of ours.
        if done.len() == 12 || input.is_empty() {
            break;
        }
        if connection.execute(&sql, []).is_ok_and(|rows| rows > 0) {
            done.push(sql);
        }
    }
    done
}

fn statement(connection: &Connection, jobs: &[i64], input: &mut Unstructured<'_>) -> Result<String> {
    let job = *input.choose(jobs)?;
    let value = *input.choose(&VALUES)?;
    match input.int_in_range(0..=7)? {
        0 => {
            let table = *input.choose(&OF_OTHERS)?;
            let column = column(connection, table, input)?;
            let value = counted(&column, value);
            Ok(format!("UPDATE {table} SET {column} = {value}"))
        }
        1 => {
            let table = *input.choose(&OF_OTHERS)?;
            inserted(connection, table, None, input)
        }
        2 => {
            let (table, key) = *input.choose(&OF_JOBS[1..])?;
            inserted(connection, table, Some((key, job)), input)
        }
        3 => {
            let (table, key) = *input.choose(&OF_JOBS)?;
            Ok(format!("DELETE FROM {table} WHERE {key} = {job}"))
        }
        _ => {
            let (table, key) = *input.choose(&OF_JOBS)?;
            let column = column(connection, table, input)?;
            // A row that becomes a sound job's would disturb that one.
            let value = if column == key && SOUND.contains(&value) { "7" } else { counted(&column, value) };
            Ok(format!("UPDATE {table} SET {column} = {value} WHERE {key} = {job}"))
        }
    }
}

/// A new row with any values, or with anything but its key where that says whose it is.
fn inserted(
    connection: &Connection,
    table: &str,
    key: Option<(&str, i64)>,
    input: &mut Unstructured<'_>,
) -> Result<String> {
    let mut values = Vec::new();
    for column in columns(connection, table) {
        values.push(match key {
            Some((key, job)) if key == column => job.to_string(),
            _ => counted(&column, input.choose(&VALUES)?).to_owned(),
        });
    }
    Ok(format!("INSERT INTO {table} VALUES ({})", values.join(", ")))
}

/// A value for a column. After the last number there is, SQLite itself has none for a new row.
fn counted<'a>(column: &str, value: &'a str) -> &'a str {
    let numbers = ["seq", "key", "id", "entry"];
    if numbers.contains(&column) && value.starts_with("922337203685477580") { "4611686018427387905" } else { value }
}

fn column(connection: &Connection, table: &str, input: &mut Unstructured<'_>) -> Result<String> {
    let columns = columns(connection, table);
    input.choose(&columns).cloned()
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    let mut columns =
        connection.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).expect("a table has columns");
    let columns = columns.query_map([], |row| row.get(0)).expect("and they have names");
    columns.collect::<rusqlite::Result<_>>().expect("of text")
}
