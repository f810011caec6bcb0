use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use jobwork::store::postgres::Postgres;
use tokio_postgres::{Client, NoTls};

/// The values of a type, in SQL, as they may stand in a column.
type Values = &'static [&'static str];

const NUMBERS: Values = &[
    "NULL",
    "0",
    "1",
    "2",
    "-1",
    "7",
    "32767",
    "-32768",
    "2147483647",
    "-2147483648",
    "4294967296",
    "-1099511627776",
    "1800000000000",
    "4611686018427387903",
    "4611686018427387904",
    "9223372036854775806",
    "9223372036854775807",
    "-9223372036854775808",
];

const TEXTS: Values = &[
    "NULL",
    "''",
    "'odd'",
    "'unknown'",
    "'5'",
    "chr(1)",
    "'{}'",
    "'[]'",
    "'[{}]'",
    "'null'",
    "'[[7,8]]'",
    "'[\"a\"]'",
    "'{'",
    "'{\"concurrency\":0}'",
    "'{\"concurrency\":-7.5}'",
    "'[{\"key\":\"odd\",\"rule\":{\"rate\":{\"count\":0,\"per\":{\"secs\":0,\"nanos\":0}}}}]'",
    "'[{\"key\":\"odd\",\"rule\":{\"rate\":{\"count\":\"many\",\"per\":7}}}]'",
    "'[{\"key\":\"odd\",\"rule\":{\"window\":7}}]'",
    "repeat('odd', 5000)",
];

/// Those of numbers lie between the sound jobs: a claim that names those would have them.
const LISTS: Values =
    &["NULL", "'{}'", "'{NULL}'", "'{5}'", "'{7,8}'", "'{12}'", "'{15,7}'", "'{{7,8},{9,10}}'", "'{odd}'"];

const FRACTIONS: Values = &["NULL", "0", "0.5", "-1.5", "1e300", "'NaN'", "'Infinity'", "'-Infinity'"];

const FLAGS: Values = &["NULL", "true", "false"];

const IDS: Values =
    &["NULL", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "gen_random_uuid()"];

/// Of a column whose numbers the server gives.
const NUMBERED: Values = &["DEFAULT"];

/// Those of them that are numbers of sound jobs.
const SOUND: [&str; 2] = ["1", "2"];

/// The tables that have rows of jobs, and the columns that say whose a row is.
const OF_JOBS: [(&str, &str); 11] = [
    ("jobs", "seq"),
    ("details", "job"),
    ("ready", "seq"),
    ("held", "job"),
    ("ended", "seq"),
    ("links", "child"),
    ("attempts", "job"),
    ("slots", "job"),
    ("notes", "job"),
    ("logs", "job"),
    ("finished_in", "job"),
];

/// The tables whose rows are no sound job's.
const OF_OTHERS: [&str; 8] =
    ["claims", "workers", "batches", "schedules", "buckets", "gates", "pauses", "queue_limits"];

/// A schema of a server's, made for this and removed, in which somebody writes what no store does: any value that a column's type has.
///
/// # Panics
/// Where a job beside those does not come to its end, and where the server can't be reached.
pub fn postgres_rows(server: &str, bytes: &[u8]) {
    crate::bad_input::run(false, async {
        let client = connect(server).await;
        let schema = format!("rows_{:x}", fastrand::u64(..));
        let sign = if server.contains('?') { '&' } else { '?' };
        let store = Postgres::open(&format!("{server}{sign}schema={schema}")).await.expect("the schema is made");
        client.batch_execute(&format!("SET search_path TO {schema}")).await.expect("there is such a schema");
        let jobs = super::stored(&store).await.expect("jobs are stored");
        let mut table = Tables { columns: columns(&client).await, jobs: jobs.odd_numbers() };
        let written = disturb(&client, &mut table, &mut Unstructured::new(bytes)).await;
        super::check(&store, &jobs, &written).await;
        drop(store);
        client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.expect("the schema is removed");
    });
}

async fn connect(server: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await.expect("the server is there");
    tokio::spawn(connection);
    client
}

/// What can be written into.
struct Tables {
    /// The columns of each table, and their types.
    columns: BTreeMap<String, Vec<(String, Values)>>,
    jobs: Vec<i64>,
}

async fn columns(client: &Client) -> BTreeMap<String, Vec<(String, Values)>> {
    let all = "SELECT table_name::text, column_name::text, is_identity = 'YES', data_type::text FROM information_schema.columns
        WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
    let mut columns: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in client.query(all, &[]).await.expect("tables have columns") {
        let values = match row.get(3) {
            _ if row.get(2) => NUMBERED,
            "bigint" | "integer" | "smallint" => NUMBERS,
            "ARRAY" => LISTS,
            "boolean" => FLAGS,
            "double precision" => FRACTIONS,
            "uuid" => IDS,
            _ => TEXTS,
        };
        columns.entry(row.get(0)).or_default().push((row.get(1), values));
    }
    columns
}

/// Writes into the rows of these jobs, and into such as are no job's; says what.
async fn disturb(client: &Client, tables: &mut Tables, input: &mut Unstructured<'_>) -> Vec<String> {
    let mut done = Vec::new();
    while let Ok(sql) = tables.statement(input) {
        // What the tables refuse is none of ours.
        if done.len() == 12 || input.is_empty() {
            break;
        }
        if client.execute(&sql, &[]).await.is_ok_and(|rows| rows > 0) {
            done.push(sql);
        }
    }
    done
}

impl Tables {
    fn statement(&self, input: &mut Unstructured<'_>) -> Result<String> {
        let job = *input.choose(&self.jobs)?;
        match input.int_in_range(0..=7)? {
            0 => {
                let table = *input.choose(&OF_OTHERS)?;
                let (column, values) = input.choose(&self.columns[table])?;
                Ok(format!("UPDATE {table} SET {column} = {}", input.choose(values)?))
            }
            1 => {
                let table = *input.choose(&OF_OTHERS)?;
                self.inserted(table, None, input)
            }
            2 => {
                let (table, key) = *input.choose(&OF_JOBS[1..])?;
                self.inserted(table, Some((key, job)), input)
            }
            3 => {
                let (table, key) = *input.choose(&OF_JOBS)?;
                Ok(format!("DELETE FROM {table} WHERE {key} = {job}"))
            }
            _ => {
                let (table, key) = *input.choose(&OF_JOBS)?;
                let (column, values) = input.choose(&self.columns[table])?;
                // A row that becomes a sound job's would disturb that one.
                let value = *input.choose(values)?;
                let value = if column == key && SOUND.contains(&value) { "7" } else { value };
                Ok(format!("UPDATE {table} SET {column} = {value} WHERE {key} = {job}"))
            }
        }
    }

    /// A new row with any values, or with anything but its key where that says whose it is.
    fn inserted(&self, table: &str, key: Option<(&str, i64)>, input: &mut Unstructured<'_>) -> Result<String> {
        let mut values = Vec::new();
        for (column, of_type) in &self.columns[table] {
            values.push(match key {
                Some((key, job)) if key == column => job.to_string(),
                _ => (*input.choose(of_type)?).to_owned(),
            });
        }
        Ok(format!("INSERT INTO {table} VALUES ({})", values.join(", ")))
    }
}
