use std::collections::BTreeMap;

use jobwork::store::postgres::Postgres;
use tokio_postgres::{Client, NoTls};

use super::tables::{Tables, Values};

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
        let tables = Tables { prefix: "", columns: columns(&client).await, jobs: jobs.odd_numbers() };
        let execute = async |sql: &str| client.execute(sql, &[]).await.is_ok_and(|rows| rows > 0);
        let written = tables.disturb(bytes, execute).await;
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
