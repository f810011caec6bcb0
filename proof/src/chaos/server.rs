use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};

/// A Postgres of this run's own, by `ci/postgres`. It ends with that script's input, so also when this process is killed.
#[derive(Debug)]
pub(super) struct Server {
    script: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Server {
    /// Starts it, which takes about a second.
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut script = Command::new("bash")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/postgres"))
            // Whoever ends this process may end its process group, and a script that was killed couldn't stop its server.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't run bash")?;
        let output = BufReader::new(script.stdout.take().context("its output is piped")?);
        let mut server = Self { script, output, url: String::new() };
        server.url = server.line()?;
        Ok(server)
    }

    /// Where it is, also after it was started again.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Does what the verb says: `stop`, `start`, or `restart`, which lets it stop as in a crash.
    pub(super) fn obey(&mut self, verb: &str) -> anyhow::Result<()> {
        let input = self.script.stdin.as_mut().context("its input is piped")?;
        writeln!(input, "{verb}")?;
        let done = self.line()?;
        ensure!(done == verb, "the server answered {done} to {verb}");
        Ok(())
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "ci/postgres has ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // That closes the script's input first.
        let _ = self.script.wait();
    }
}

/// Ends all sessions of a server but the one that asks.
pub(super) async fn terminate_backends(url: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()";
    client.query(statement, &[]).await?;
    connection.abort();
    Ok(())
}
