use super::address::Address;
use super::server::{self, connect, tidy_up, unique_name};

/// An empty database of a test's own.
///
/// It is removed when this is dropped, whoever is connected to it.
#[derive(Debug)]
pub struct Database {
    /// Its URL.
    pub url: String,
    /// Its name.
    pub name: String,
    server: &'static str,
}

/// An empty database. Where a schema will do, [`fresh_schema`](super::fresh_schema) is quicker.
///
/// # Panics
/// When there is no server and none can be started, or when it makes no database.
pub async fn fresh_database() -> Database {
    let (server, name) = (server::url().await, unique_name());
    // Others may have filled the usual template.
    let made = connect(server).await.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    made.unwrap_or_else(|error| panic!("can't make a database on {server}: {error:?}"));
    Database { url: Address::of(server).with_database(&name), name, server }
}

impl Drop for Database {
    fn drop(&mut self) {
        tidy_up(self.server, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}
