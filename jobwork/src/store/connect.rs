use std::sync::Arc;

use super::Store;
use super::memory::Memory;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use crate::error::{Error, Result};

/// The store's URL where none was given: `JOBWORK_URL` if it is set, else `sqlite:jobs.db` in the current directory.
#[must_use]
pub fn default_url() -> String {
    named_url().unwrap_or_else(|| "sqlite:jobs.db".to_owned())
}

/// The store's URL in the environment.
pub(crate) fn named_url() -> Option<String> {
    std::env::var("JOBWORK_URL").ok().filter(|url| !url.is_empty())
}

/// Opens the store that a URL names: `sqlite:FILE`, `postgres://USER@HOST/DATABASE` (see
#[cfg_attr(feature = "postgres", doc = "[`Postgres::open`]")]
#[cfg_attr(not(feature = "postgres"), doc = "`Postgres::open`")]
/// for its parameters) or `memory:` (a fresh one, each time).
///
/// # Errors
/// [`Error::Url`] for a URL that names no store of this build, [`Error::Open`] for a store that can't be opened.
pub async fn connect(url: &str) -> Result<Arc<dyn Store>> {
    match named(url)? {
        (Kind::Memory, _) => Ok(Arc::new(Memory::new())),
        #[cfg(feature = "sqlite")]
        (Kind::Sqlite, file) => Ok(Arc::new(Sqlite::open(file).await?)),
        #[cfg(feature = "postgres")]
        (Kind::Postgres, url) => Ok(Arc::new(Postgres::open(url).await?)),
    }
}

/// Whether a URL names a store of this build, as far as that can be known without opening it.
///
/// # Errors
/// [`Error::Url`] where it doesn't.
#[doc(hidden)]
pub fn check_url(url: &str) -> Result<()> {
    match named(url)? {
        #[cfg(feature = "postgres")]
        (Kind::Postgres, url) => Postgres::check_url(url),
        _ => Ok(()),
    }
}

/// The file that a URL names, where its store is in a file.
///
/// # Errors
/// [`Error::Url`] where it names no store.
#[cfg(feature = "cli")]
pub(crate) fn file_of(url: &str) -> Result<Option<&str>> {
    match named(url)? {
        #[cfg(feature = "sqlite")]
        (Kind::Sqlite, file) => Ok(Some(file)),
        _ => Ok(None),
    }
}

/// The kinds of stores of this build.
enum Kind {
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// The kind of store that a URL names, and its place: the file of one that has a file.
fn named(url: &str) -> Result<(Kind, &str)> {
    let (scheme, place) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" => Ok((Kind::Memory, place)),
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok((Kind::Sqlite, sqlite_file(url, place)?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok((Kind::Postgres, url)),
        _ => Err(unknown(url)),
    }
}

/// The file of `sqlite:FILE`, `sqlite://FILE`, or `sqlite:///absolute/FILE`.
#[cfg(feature = "sqlite")]
fn sqlite_file<'a>(url: &str, place: &'a str) -> Result<&'a str> {
    let file = place.strip_prefix("//").unwrap_or(place);
    let problem = match file {
        "" => "expected the name of a file, as in `sqlite:jobs.db`",
        ":memory:" => "several connections can't share such a database, expected `memory:` for a store in memory",
        file if file.contains('?') => "options after `?` are not known, expected `sqlite:FILE`",
        file => return Ok(file),
    };
    Err(Error::Url { url: url.to_owned(), problem: problem.to_owned() })
}

fn unknown(url: &str) -> Error {
    let known = [
        (cfg!(feature = "sqlite"), "`sqlite:FILE`"),
        (cfg!(feature = "postgres"), "`postgres://USER@HOST/DATABASE`"),
        (true, "`memory:`"),
    ];
    let known: Vec<&str> = known.into_iter().filter(|(is, _)| *is).map(|(_, form)| form).collect();
    let problem = format!("expected {}, in this build", known.join(" or "));
    Error::Url { url: without_password(url), problem }
}

/// The URL with its passwords hidden, since URLs end up in logs: that of `scheme://user:password@host`, also where the slashes were
/// forgotten, and those of parameters.
pub(crate) fn without_password(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let parameters: Vec<&str> = query.split('&').map(without_value).collect();
    let url = format!("{address}{}", parameters.join("&"));
    let is_scheme = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphanumeric());
    let scheme =
        url.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).map_or(0, |(scheme, _)| scheme.len() + 3);
    let Some((credentials, place)) = url[scheme..].rsplit_once('@') else { return url };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{}{user}:***@{place}", &url[..scheme])
}

/// A parameter, without its value where that is a password.
fn without_value(parameter: &str) -> &str {
    match parameter.split_once('=') {
        Some((name, _)) if name.ends_with("password") => name,
        _ => parameter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_is_a_fresh_store_each_time() {
        let (one, other) = (connect("memory:").await.unwrap(), connect("memory:").await.unwrap());
        let now = jiff::Timestamp::UNIX_EPOCH;
        one.push(crate::store::Push::of(vec![crate::NewJob::new("job", "{}")], now)).await.unwrap();
        assert_eq!(one.inspect().unwrap().counts(now).await.unwrap().ready, 1);
        assert_eq!(other.inspect().unwrap().counts(now).await.unwrap().ready, 0);
    }

    #[tokio::test]
    async fn an_unknown_url_says_what_is_known_and_hides_the_password() {
        let error = connect("mysql://me:secret@host/db").await.unwrap_err().to_string();
        assert!(error.contains("mysql://me:***@host/db") && error.contains("`memory:`"), "{error}");
    }

    #[test]
    fn a_password_is_hidden_wherever_it_stands() {
        for (url, shown) in [
            ("postgres://me:secret@db/app", "postgres://me:***@db/app"),
            ("postgres://me:sec:r@t@db/app", "postgres://me:***@db/app"),
            ("postgres:me:secret@db/app", "postgres:***@db/app"),
            ("postgres:me:secret@db/app?a=://", "postgres:***@db/app?a=://"),
            ("postgres://db/app?user=me&password=secret&a=1", "postgres://db/app?user=me&password&a=1"),
            ("sqlite:me:2@home.db", "sqlite:me:2@home.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_file_is_named_with_and_without_slashes() {
        let file = |url: &'static str| sqlite_file(url, &url["sqlite:".len()..]).unwrap();
        assert_eq!(file("sqlite:jobs.db"), "jobs.db");
        assert_eq!(file("sqlite://jobs.db"), "jobs.db");
        assert_eq!(file("sqlite:/var/jobs.db"), "/var/jobs.db");
        assert_eq!(file("sqlite:///var/jobs.db"), "/var/jobs.db");
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_url_without_a_usable_file_says_what_was_expected() {
        for (url, expected) in [
            ("sqlite:", "`sqlite:jobs.db`"),
            ("sqlite://", "`sqlite:jobs.db`"),
            ("sqlite::memory:", "`memory:`"),
            ("sqlite:jobs.db?mode=rwc", "`?`"),
        ] {
            let error = connect(url).await.unwrap_err().to_string();
            assert!(error.contains(url) && error.contains(expected), "{error}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_sqlite_url_opens_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jobs.db");
        let store = connect(&format!("sqlite://{}", file.display())).await.unwrap();
        assert_eq!(store.name(), "sqlite");
        assert!(file.exists());
    }
}
