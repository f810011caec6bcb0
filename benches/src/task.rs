//! Processes of the benchmark itself: each measure has a process of its own, and some have several.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fill::Fill;
use crate::measure::Measure;
use crate::measure::processes::Dispatcher;
use crate::postgres::Serve;
use crate::problems;
use crate::worker::Work;

/// The hidden command that performs a task.
pub(crate) const COMMAND: &str = "task";

const READY: &str = "ready";

/// What a process of its own does. It prints its answer in JSON as the last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Takes one round of a measure, and answers with the figure.
    Measure(Measure),
    /// Fills a file.
    Fill(Fill),
    /// Works until its standard input ends.
    Work(Work),
    /// Runs a server until its standard input ends.
    Serve(Serve),
    /// Dispatches for a while.
    Dispatch(Dispatcher),
}

impl Task {
    /// Performs the task that the first line of the standard input gives in JSON, in the process it was meant for.
    pub(crate) async fn perform() -> Result<()> {
        problems::listen();
        let mut json = String::new();
        std::io::stdin().read_line(&mut json)?;
        let task: Self = serde_json::from_str(&json).context("expected a task in JSON: this command is not for you")?;
        let answer = match task {
            Self::Measure(measure) => serde_json::to_string(&measure.take().await?)?,
            Self::Fill(fill) => serde_json::to_string(&fill.fill().await?)?,
            Self::Work(work) => serde_json::to_string(&work.work().await?)?,
            Self::Serve(serve) => serde_json::to_string(&serve.serve().await?)?,
            Self::Dispatch(dispatcher) => serde_json::to_string(&dispatcher.run().await?)?,
        };
        // Whoever started this process may be gone by now.
        let _ = writeln!(std::io::stdout(), "{answer}");
        Ok(())
    }
}

/// Another process of the benchmark.
#[derive(Debug)]
pub(crate) struct Other {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Other {
    /// Starts one.
    pub(crate) fn start(task: &Task) -> Result<Self> {
        Self::run(&mut Self::command()?, task)
    }

    /// Starts one that is not told when the terminal interrupts this one: it notices that its standard input ends.
    pub(crate) fn apart(task: &Task) -> Result<Self> {
        Self::run(Self::command()?.process_group(0), task)
    }

    fn command() -> Result<Command> {
        Ok(Command::new(std::env::current_exe().context("can't find the benchmark's own program")?))
    }

    fn run(command: &mut Command, task: &Task) -> Result<Self> {
        command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start the benchmark's own program")?;
        let (mut input, output) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(output.context("expected a pipe from the process")?);
        // Not as an argument: the address of a store may hold a password, and arguments are for everyone to see.
        writeln!(input.as_mut().context("expected a pipe to the process")?, "{}", serde_json::to_string(task)?)?;
        Ok(Self { child, input, output })
    }

    /// Waits until it says that it is ready.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line.trim_end() == READY, "expected a process of the benchmark to get ready, but it said `{line}`");
        Ok(())
    }

    /// Waits for what it tells in a line of JSON.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("expected a line of JSON, not `{line}`"))
    }

    /// Tells it to begin.
    pub(crate) fn go(&mut self) -> Result<()> {
        let input = self.input.as_mut().context("expected a pipe to the process")?;
        writeln!(input, "go").context("a process of the benchmark has ended too early")
    }

    /// Tells it that there will be nothing more, and waits for its answer.
    pub(crate) fn end<T: DeserializeOwned>(mut self) -> Result<T> {
        drop(self.input.take());
        let mut answer = String::new();
        self.output.read_to_string(&mut answer)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("a process of the benchmark failed ({status}): its error is above");
        }
        serde_json::from_str(&answer).with_context(|| format!("expected an answer in JSON, not `{answer}`"))
    }
}

impl Drop for Other {
    /// A process that nobody waited for is one that something went wrong with.
    fn drop(&mut self) {
        // Whether it has ended already makes no difference.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells the process that started this one that it is ready.
pub(crate) fn say_ready() {
    println!("{READY}");
}

/// Waits for the next line from the process that started this one; `false` when there will be none.
pub(crate) async fn told() -> Result<bool> {
    let read = || std::io::stdin().lock().read_line(&mut String::new());
    Ok(tokio::task::spawn_blocking(read).await?? > 0)
}
