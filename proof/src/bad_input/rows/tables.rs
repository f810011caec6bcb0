use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};

/// The values that a column gets, in SQL.
pub(super) type Values = &'static [&'static str];

/// Those of them that are numbers of sound jobs.
const SOUND: [&str; 2] = ["1", "2"];

/// The tables that have rows of jobs, the jobs' own first.
const OF_JOBS: [&str; 11] =
    ["jobs", "details", "ready", "held", "ended", "links", "attempts", "slots", "notes", "logs", "finished_in"];

/// The column of such a table that says whose a row is: the first of these that it has.
const KEYS: [&str; 3] = ["child", "job", "seq"];

/// The tables whose rows are no sound job's.
const OF_OTHERS: [&str; 8] =
    ["claims", "workers", "batches", "schedules", "buckets", "gates", "pauses", "queue_limits"];

/// Into so many places something is written.
const PLACES: usize = 12;

/// The tables of a store, as somebody else writes into them.
pub(super) struct Tables {
    /// What the names of its tables begin with.
    pub(super) prefix: &'static str,
    /// The columns of each table, in their order, and what they get.
    pub(super) columns: BTreeMap<String, Vec<(String, Values)>>,
    /// The numbers of the jobs whose rows are written into.
    pub(super) jobs: Vec<i64>,
}

impl Tables {
    /// Writes into the rows of these jobs, and into such as are no job's; says what. `execute` says whether a statement has written.
    pub(super) async fn disturb(&self, bytes: &[u8], mut execute: impl AsyncFnMut(&str) -> bool) -> Vec<String> {
        let (mut done, mut input) = (Vec::new(), Unstructured::new(bytes));
        while let Ok(sql) = self.statement(&mut input) {
            // What the tables refuse is none of ours.
            if done.len() == PLACES || input.is_empty() {
                break;
            }
            if execute(&sql).await {
                done.push(sql);
            }
        }
        done
    }

    fn statement(&self, input: &mut Unstructured<'_>) -> Result<String> {
        let job = *input.choose(&self.jobs)?;
        match input.int_in_range(0..=7)? {
            0 => {
                let table = self.table(&OF_OTHERS, input)?;
                let (column, values) = input.choose(&self.columns[&table])?;
                Ok(format!("UPDATE {table} SET {column} = {}", input.choose(values)?))
            }
            1 => {
                let table = self.table(&OF_OTHERS, input)?;
                self.inserted(&table, None, input)
            }
            2 => {
                let table = self.table(&OF_JOBS[1..], input)?;
                self.inserted(&table, Some((self.key(&table), job)), input)
            }
            3 => {
                let table = self.table(&OF_JOBS, input)?;
                Ok(format!("DELETE FROM {table} WHERE {} = {job}", self.key(&table)))
            }
            _ => {
                let table = self.table(&OF_JOBS, input)?;
                let (column, values) = input.choose(&self.columns[&table])?;
                let (key, value) = (self.key(&table), *input.choose(values)?);
                // A row that becomes a sound job's would disturb that one.
                let value = if column == key && SOUND.contains(&value) { "7" } else { value };
                Ok(format!("UPDATE {table} SET {column} = {value} WHERE {key} = {job}"))
            }
        }
    }

    /// A new row with any values, or with anything but its key where that says whose it is.
    fn inserted(&self, table: &str, key: Option<(&str, i64)>, input: &mut Unstructured<'_>) -> Result<String> {
        let mut values = Vec::new();
        for (column, of_column) in &self.columns[table] {
            values.push(match key {
                Some((key, job)) if key == column => job.to_string(),
                _ => (*input.choose(of_column)?).to_owned(),
            });
        }
        Ok(format!("INSERT INTO {table} VALUES ({})", values.join(", ")))
    }

    fn table(&self, tables: &[&str], input: &mut Unstructured<'_>) -> Result<String> {
        Ok(format!("{}{}", self.prefix, input.choose(tables)?))
    }

    fn key(&self, table: &str) -> &'static str {
        let has = |key: &&str| self.columns[table].iter().any(|(column, _)| column == key);
        KEYS.into_iter().find(|key| has(key)).expect("a row of a job says whose it is")
    }
}
