//! A server that is there for one run of the benchmark.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::address::Address;
use super::programs::Programs;
use crate::task::{self, Other, Task};

/// A server that doesn't take connections by then has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const USER: &str = "postgres";

/// A running server. It is stopped and its files are gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: Address,
    keeper: Option<Other>,
}

impl Server {
    /// Starts one with new files somewhere in this directory.
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let mut keeper = Other::apart(&Task::Serve(Serve { directory: directory.to_owned() }))?;
        keeper.ready()?;
        Ok(Self { address: keeper.hear()?, keeper: Some(keeper) })
    }

    /// The database that it comes with.
    pub(crate) fn address(&self) -> Address {
        self.address.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.keeper.take().map(Other::end::<()>) {
            eprintln!("the server was not stopped as it should be: {error:#}");
        }
    }
}

/// To run a server until the standard input ends: it ends when the process that started this one does, whatever ends that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Serve {
    directory: PathBuf,
}

impl Serve {
    /// Runs it, and tells its address.
    pub(crate) async fn serve(self) -> Result<()> {
        let running = Running::start(&self.directory).await?;
        task::say_ready();
        println!("{}", serde_json::to_string(&running.address)?);
        while task::told().await? {}
        Ok(())
    }
}

struct Running {
    child: Child,
    address: Address,
    folder: TempDir,
}

impl Running {
    async fn start(directory: &Path) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::tempdir_in(directory);
        let folder = folder.with_context(|| format!("can't make a directory in {}", directory.display()))?;
        programs.own(folder.path())?;
        let password = password()?;
        create(&programs, folder.path(), &password)?;
        // Asking for any free one and then taking it can go wrong only when somebody else takes it in between.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = launch(&programs, folder.path(), port)?;
        let address = Address::new(format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"));
        let mut running = Self { child, address, folder };
        running.wait().await?;
        Ok(running)
    }

    /// Waits until it takes connections.
    async fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while let Err(error) = self.address.connect().await {
            if self.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(log(self.folder.path())).unwrap_or_default();
                bail!("Postgres did not start: {error:#}; its log says: {log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Running {
    /// Without any care for its files, since they go too.
    fn drop(&mut self) {
        // One that has ended by itself has said why in its log, and whoever used it has noticed.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let _ = self.child.wait();
    }
}

fn create(programs: &Programs, folder: &Path, password: &str) -> Result<()> {
    let file = folder.join("password");
    fs::write(&file, password)?;
    programs.own(&file)?;
    let mut command = programs.command("initdb", folder);
    command.args(["--no-sync", "--encoding=UTF8", "--no-locale", "--auth=scram-sha-256", "--username", USER]);
    let output = command.arg("--pwfile").arg(&file).arg("-D").arg(folder.join("data")).output();
    let output = output.with_context(|| {
        format!("can't run initdb in {}: the user that Postgres runs as must be able to get there", folder.display())
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "initdb has failed in {}: {}", folder.display(), said.trim());
    Ok(())
}

/// With the defaults but for where it is reached; those on which a commit's worth depends are named all the same.
fn launch(programs: &Programs, folder: &Path, port: u16) -> Result<Child> {
    let log = File::create(log(folder))?;
    let mut command = programs.command("postgres", folder);
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-p", &port.to_string()]);
    command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=on", "-c", "synchronous_commit=on"]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().context("can't run postgres")
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// One that nobody else on the machine can guess: who may use the server may do all that its user may.
fn password() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("can't read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
