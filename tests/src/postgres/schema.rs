use super::address::Address;
use super::server::{self, tidy_up, unique_name};

/// A schema of a test's own, in the database that all tests share. It is not made yet: that is for the store.
///
/// It is removed when this is dropped, with all that is in it.
#[derive(Debug)]
pub struct Schema {
    /// The URL of the database, which names the schema.
    pub url: String,
    /// Its name.
    pub name: String,
}

/// The name of a schema that there isn't yet. This is what most tests want: it costs nothing.
///
/// # Panics
/// When there is no server and none can be started.
pub async fn fresh_schema() -> Schema {
    let name = unique_name();
    Schema { url: Address::of(server::url().await).with_schema(&name), name }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // Whoever still holds a lock on one of its tables must not keep the test from ending.
        let statement = format!("SET lock_timeout = '5s'; DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        tidy_up(&self.url, statement);
    }
}
