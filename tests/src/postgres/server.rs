use std::env;
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio_postgres::{Client, Config, NoTls};

use super::address::Address;
use super::kept::Kept;

/// The variable that names the server for all test processes.
const VARIABLE: &str = "JOBWORK_TEST_POSTGRES";

/// The server of this process's tests.
#[derive(Debug)]
enum Server {
    Named(String),
    Own(Kept),
}

/// Never dropped; one of our own ends with the process.
static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| match env::var(VARIABLE) {
    Ok(url) if !url.is_empty() => Ok(Server::Named(url)),
    _ => Kept::start("postgres", &[]).map(Server::Own),
});

/// The URL of the tests' server, with the database that all tests share.
///
/// # Panics
/// When there is no such server and none can be started.
pub async fn url() -> &'static str {
    let server = tokio::task::spawn_blocking(|| LazyLock::force(&SERVER)).await.expect("starting it does not panic");
    match server {
        Ok(Server::Named(url)) => url,
        Ok(Server::Own(kept)) => kept.url(),
        Err(error) => panic!("{error}"),
    }
}

/// A plain connection to what the URL names; the schema that it names is the search path. It lives in the runtime of the
/// caller.
///
/// # Panics
/// When the server does not let it in.
pub async fn connect(url: &str) -> Client {
    let address = Address::of(url);
    let config: Config = address.plain().parse().unwrap_or_else(|error| panic!("{url} is no URL of Postgres: {error}"));
    let connected = config.connect(NoTls).await;
    let (client, connection) = connected.unwrap_or_else(|error| panic!("can't connect to {url}: {error:?}"));
    tokio::spawn(connection);
    if let Some(schema) = address.schema() {
        client.batch_execute(&format!("SET search_path TO \"{schema}\"")).await.expect("the search path can be set");
    }
    client
}

/// Runs a statement while something is dropped, inside or outside of a runtime, and waits until it is done. When it fails,
/// as on a server that has ended, then there is nothing to tidy up, or it stays.
pub(super) fn tidy_up(url: &str, statement: String) {
    let config: Option<Config> = Address::of(url).plain().parse().ok();
    let work = async move {
        let (client, connection) = config?.connect(NoTls).await.ok()?;
        tokio::spawn(connection);
        client.batch_execute(&statement).await.ok()
    };
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?.block_on(work);
    let _ = std::thread::scope(|scope| scope.spawn(run).join());
}

/// A name that no other test, process or run takes.
pub(super) fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("1970 is over").as_millis();
    format!("test_{now}_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
