use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use super::scene::{Place, Scene};
use super::{Case, Figures};

/// Which cases are run, where, and how large
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// `sqlite` (a file that is thrown away), `postgres` (a schema of its own on the server of JOBWORK_TEST_POSTGRES), `memory`, or a URL
    #[arg(long, default_value = "sqlite")]
    store: String,
    /// Only this case
    #[arg(long)]
    only: Option<Case>,
    /// The counts are multiplied by it
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
}

/// One case, run by this process
#[derive(Clone, Debug, Args)]
pub struct Alone {
    /// The case
    case: Case,
    /// The URL of the store
    #[arg(long)]
    url: String,
    /// The counts are multiplied by it
    #[arg(long)]
    scale: f64,
}

impl Options {
    /// Runs the cases one after the other, each in a process of its own, and prints the table.
    ///
    /// # Errors
    /// When a store can't be made, or a process can't be started. A case that fails is told in the table, and by the exit code.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut failed = false;
        let cases = Case::value_variants().iter().filter(|case| self.only.is_none_or(|only| only == **case));
        println!("{:<20} {:>8} {:>10} {:>11} {:>10}  WHAT HAPPENED", "CASE", "JOBS", "TIME", "RATE", "PEAK");
        for case in cases {
            match self.figures(*case) {
                Ok(figures) => println!("{figures}"),
                Err(error) => {
                    failed = true;
                    println!("{case:<20} FAILED: {error:#}");
                }
            }
        }
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// Has a process run this case.
    fn figures(&self, case: Case) -> anyhow::Result<Figures> {
        let place = Place::of(&self.store)?;
        ensure!(!(case.is_for_processes() && place.url == "memory:"), "processes share no store in memory");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load-alone", &case.to_string(), "--url", &place.url, "--scale", &self.scale.to_string()]);
        let done = command.stderr(Stdio::inherit()).output()?;
        let said = String::from_utf8_lossy(&done.stdout);
        let last = said.lines().last().unwrap_or_default();
        ensure!(done.status.success(), "{}: {last}", done.status);
        serde_json::from_str(last).with_context(|| format!("expected figures, found `{last}`"))
    }
}

impl Alone {
    /// Runs the case, and prints its figures as JSON.
    ///
    /// # Errors
    /// What went wrong.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let scene = Scene { url: self.url, scale: self.scale };
        let done = self.case.run(&scene).and_then(|outcome| Figures::of(self.case.to_string(), outcome));
        match done {
            Ok(figures) => println!("{}", serde_json::to_string(&figures)?),
            Err(error) => {
                println!("{error:#}");
                return Ok(ExitCode::FAILURE);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
