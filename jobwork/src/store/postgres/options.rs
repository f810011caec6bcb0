//! What a URL says of a Postgres.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_postgres::Config;

use super::tls::Wanted;
use crate::error::{Error, Result};
use crate::store::connect::without_password;

/// The schema where none is named.
const SCHEMA: &str = "jobwork";

/// So many connections for calls, where no number is named.
const CONNECTIONS: usize = 5;

/// A server, and how it is used.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// What the driver is told.
    pub(super) server: Config,
    /// How connections are encrypted.
    pub(super) tls: Arc<ClientConfig>,
    /// Where the tables are.
    pub(super) schema: String,
    /// At most so many connections for calls, besides the session.
    pub(super) connections: usize,
    /// Whether a pooler gives another session to every transaction, so that nothing can be kept in one.
    pub(super) pooled: bool,
    /// How it is named in errors and logs.
    pub(super) place: String,
}

impl Options {
    /// Reads a URL: our own parameters, and the rest for the driver.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let refused = |problem: String| Error::Url { url: without_password(url), problem };
        // The driver would take it for a list of `key=value`, and repeat it, with its password, in its errors.
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(refused("expected `postgres://USER@HOST/DATABASE`".to_owned()));
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut wanted = Wanted::default();
        let mut options = Self {
            server: Config::new(),
            tls: wanted.config().map_err(refused)?,
            schema: SCHEMA.to_owned(),
            connections: CONNECTIONS,
            pooled: false,
            place: without_password(address),
        };
        let mut theirs = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => wanted.mode = Some(mode.to_owned()),
                Some(("sslrootcert", roots)) => wanted.roots = Some(unescaped(roots)),
                _ if options.take(parameter).map_err(refused)? => {}
                _ => theirs.push(parameter),
            }
        }
        options.tls = wanted.config().map_err(refused)?;
        let mode = format!("sslmode={}", wanted.driver_mode());
        theirs.push(&mode);
        let server = Config::from_str(&format!("{address}?{}", theirs.join("&")));
        options.server = server.map_err(|error| refused(told(&error)))?;
        options.server.application_name("jobwork");
        let named = |parameter: &str| theirs.iter().any(|named| named.starts_with(parameter));
        if options.server.get_connect_timeout().is_none() {
            options.server.connect_timeout(Duration::from_secs(5));
        }
        // A peer that is gone without a word is noticed within half a minute, not within hours.
        if !named("keepalives") {
            let (idle, interval) = (Duration::from_secs(10), Duration::from_secs(5));
            options.server.keepalives_idle(idle).keepalives_interval(interval).keepalives_retries(3);
        }
        if !named("tcp_user_timeout") {
            options.server.tcp_user_timeout(Duration::from_secs(20));
        }
        Ok(options)
    }

    /// Takes a parameter of ours, and says whether it is one.
    fn take(&mut self, parameter: &str) -> Result<bool, String> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "schema" if value.is_empty() || value.len() > 63 || !value.chars().all(is_plain) => {
                return Err(format!(
                    "the schema `{value}`: expected 1 to 63 ASCII letters, digits, `_` or `-`, as in `schema=jobwork`"
                ));
            }
            "schema" => value.clone_into(&mut self.schema),
            "connections" => match value.parse() {
                Ok(connections @ 1..) => self.connections = connections,
                _ => return Err(format!("`connections={value}`: expected a number from 1 on")),
            },
            "pooler" if value == "transaction" => self.pooled = true,
            "pooler" => return Err(format!("`pooler={value}`: expected `pooler=transaction`, or nothing")),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Whether a character needs no quotes of any kind.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// A value of a URL, in which `%2F` stands for `/`.
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = &after[2..]),
            None => (bytes.push(*first), rest = after),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An error with its cause: the driver's own words leave that out.
pub(super) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_parameters_are_ours_and_the_rest_is_the_drivers() {
        let url = "postgres://me:secret@db/app?schema=mail&connections=7&pooler=transaction&sslmode=require";
        let options = Options::parse(url).unwrap();
        assert_eq!((options.schema.as_str(), options.connections, options.pooled), ("mail", 7, true));
        assert_eq!(options.server.get_dbname(), Some("app"));
        assert_eq!(options.server.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
        assert_eq!(options.place, "postgres://me:***@db/app");
    }

    #[test]
    fn a_url_without_parameters_has_defaults() {
        let options = Options::parse("postgresql://localhost/app").unwrap();
        assert_eq!((options.schema.as_str(), options.connections, options.pooled), ("jobwork", 5, false));
    }

    #[test]
    fn what_is_wrong_is_said_and_the_password_is_not() {
        for (parameter, expected) in [
            ("schema=", "`schema=jobwork`"),
            ("schema=a.b", "a.b"),
            ("connections=0", "from 1 on"),
            ("pooler=session", "pooler=transaction"),
            ("sslmod=require", "sslmod"),
            ("password=secret&a", "unknown option"),
        ] {
            let error = Options::parse(&format!("postgres://me:secret@db/app?{parameter}")).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        }
        let error = Options::parse("postgres:me:secret@db/app").unwrap_err().to_string();
        assert!(error.contains("`postgres://USER@HOST/DATABASE`") && !error.contains("secret"), "{error}");
    }
}
