//! Processes of the benchmark itself: each measure has a process of its own, and some have several.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fill::Fill;
use crate::measure::Measure;
use crate::measure::processes::Dispatcher;
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
    /// Dispatches for a while.
    Dispatch(Dispatcher),
}

impl Task {
    /// Performs a task that was given in JSON, in the process it was meant for.
    pub(crate) async fn perform(json: &str) -> Result<()> {
        problems::listen();
        let task: Self = serde_json::from_str(json).context("expected a task in JSON: this command is not for you")?;
        let answer = match task {
            Self::Measure(measure) => serde_json::to_string(&measure.take().await?)?,
            Self::Fill(fill) => serde_json::to_string(&fill.fill().await?)?,
            Self::Work(work) => serde_json::to_string(&work.work().await?)?,
            Self::Dispatch(dispatcher) => serde_json::to_string(&dispatcher.run().await?)?,
        };
        println!("{answer}");
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
        let program = std::env::current_exe().context("can't find the benchmark's own program")?;
        let mut command = Command::new(program);
        command.args([COMMAND, &serde_json::to_string(task)?]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start the benchmark's own program")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(output.context("expected a pipe from the process")?);
        Ok(Self { child, input, output })
    }

    /// Waits until it says that it is ready.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line.trim_end() == READY, "expected a process of the benchmark to get ready, but it said `{line}`");
        Ok(())
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
