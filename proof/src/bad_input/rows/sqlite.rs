use std::collections::BTreeMap;

use jobwork::store::sqlite::Sqlite;
use rusqlite::Connection;

use super::tables::{Tables, Values};

/// The values that columns get: of each type, and at each end of it.
const VALUES: Values = &[
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
    "4611686018427387905",
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
    "9223372036854775806",
    "9223372036854775807",
];

/// Without the last numbers that there are: after those SQLite itself has none for a new row.
const GIVEN: Values = VALUES.split_at(VALUES.len() - 2).0;

/// The columns whose numbers SQLite gives.
const NUMBERED: [&str; 4] = ["seq", "key", "id", "entry"];

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
        let connection = Connection::open(&file).expect("the file can be opened twice");
        let tables = Tables { prefix: "jobwork_", columns: columns(&connection), jobs: jobs.odd_numbers() };
        let execute = async |sql: &str| connection.execute(sql, []).is_ok_and(|rows| rows > 0);
        let written = tables.disturb(bytes, execute).await;
        drop(connection);
        super::check(&store, &jobs, &written).await;
    });
}

fn columns(connection: &Connection) -> BTreeMap<String, Vec<(String, Values)>> {
    let all = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";
    let mut statement = connection.prepare(all).expect("tables have columns");
    let mut rows = statement.query([]).expect("they can be listed");
    let mut columns: BTreeMap<String, Vec<_>> = BTreeMap::new();
    while let Some(row) = rows.next().expect("one after the other") {
        let (table, column): (String, String) = (row.get_unwrap(0), row.get_unwrap(1));
        let values = if NUMBERED.contains(&&*column) { GIVEN } else { VALUES };
        columns.entry(table).or_default().push((column, values));
    }
    columns
}
