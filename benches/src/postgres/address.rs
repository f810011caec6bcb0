//! The URL of a database, and connections to it.

use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

/// What URLs of Postgres begin with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Parameters that are jobwork's own, of which the server and its client library know nothing.
const OWN: [&str; 3] = ["schema", "connections", "pooler"];

/// Whether this is the URL of a database of Postgres.
pub(crate) fn is_address(url: &str) -> bool {
    SCHEMES.iter().any(|scheme| url.starts_with(scheme))
}

/// The URL of a database, with all that a connection to it needs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Address(String);

impl fmt::Debug for Address {
    /// Without the password that it may have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

impl Address {
    /// The database of this URL.
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }

    /// Another database of the same server.
    pub(crate) fn database(&self, name: &str) -> Self {
        let (before, parameters) = self.split();
        let (scheme, rest) = before.split_once("://").unwrap_or(("postgres", before));
        let server = rest.split('/').next().unwrap_or_default();
        Self(joined(format!("{scheme}://{server}/{name}"), parameters.filter(|(name, _)| *name != "dbname")))
    }

    /// A session of it. What it is told beside the answers goes to nobody.
    pub(crate) async fn connect(&self) -> Result<Client> {
        let (client, connection) = self.config()?.connect(NoTls).await.context(UNREACHABLE)?;
        // Whoever uses the client learns that the connection has ended.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A session of it, and an item for each notification that it is told.
    pub(crate) async fn listen(&self) -> Result<(Client, mpsc::UnboundedReceiver<()>)> {
        let (client, mut connection) = self.config()?.connect(NoTls).await.context(UNREACHABLE)?;
        let (told, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    // Nobody listens when the measure has ended.
                    let _ = told.send(());
                }
            }
        });
        Ok((client, heard))
    }

    fn config(&self) -> Result<Config> {
        let (before, parameters) = self.split();
        let url = joined(before.to_owned(), parameters.filter(|(name, _)| !OWN.contains(name)));
        url.parse().context("expected a URL such as `postgres://user:password@host:port/database`")
    }

    /// What stands before the parameters, and these.
    fn split(&self) -> (&str, impl Iterator<Item = (&str, &str)>) {
        let (before, parameters) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let pairs = parameters.split('&').filter(|pair| !pair.is_empty());
        (before, pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
    }
}

const UNREACHABLE: &str = "can't connect to Postgres: expected a server that runs and takes connections without TLS";

fn joined<'a>(before: String, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let parameters: Vec<String> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
    if parameters.is_empty() { before } else { format!("{before}?{}", parameters.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_is_of_the_same_server() {
        let address = |url| Address::new(url).database("other").0;
        assert_eq!(address("postgres://me:secret@host:5433/mine"), "postgres://me:secret@host:5433/other");
        assert_eq!(address("postgresql://host"), "postgresql://host/other");
        assert_eq!(
            address("postgres:///mine?host=/run/postgresql&dbname=mine&schema=jobs"),
            "postgres:///other?host=/run/postgresql&schema=jobs"
        );
    }

    #[test]
    fn the_parameters_of_jobwork_are_its_own() {
        let address = Address::new("postgres://me@host/mine?schema=jobs&connect_timeout=7&connections=2");
        let config = address.config().unwrap();
        assert_eq!(
            (config.get_dbname(), config.get_connect_timeout().map(|time| time.as_secs())),
            (Some("mine"), Some(7))
        );
        let refused = Address::new("postgres://me@host/mine?shema=jobs").config().unwrap_err();
        assert!(format!("{refused:#}").contains("shema"), "{refused:#}");
    }
}
