//! The proof, from the command line.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use jobwork_proof::checker::{self, Verdict};
use jobwork_proof::power_loss::{Examination, Extent, Fault, Recording, Script, perform};
use jobwork_proof::simulation::Simulate;
use jobwork_proof::workload::{Dispatcher, Worker};
use jobwork_proof::{chaos, history, load, model};

/// More breaches than this are only counted.
const SHOWN: usize = 20;

/// Proves that no job is lost, or finds out how one can be
#[derive(Debug, Parser)]
#[command(name = "proof")]
struct Proof {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Checks a history that was written before
    Check {
        /// The file of the history
        history: PathBuf,
    },
    /// Runs processes on a store, disturbs them, and checks what they did
    Chaos(chaos::Options),
    /// Performs jobs, as `chaos` says
    #[command(hide = true)]
    Worker(Worker),
    /// Dispatches jobs, as `chaos` says
    #[command(hide = true)]
    Dispatcher(Dispatcher),
    /// Plays workers over a store in memory with faults that are drawn from a seed
    Simulate(Simulate),
    /// Fails the power of a machine with a SQLite store, at each point of a recording
    PowerLoss {
        #[command(flatten)]
        script: Script,
        #[command(flatten)]
        extent: Extent,
        /// Break this, which must be noticed
        #[arg(long)]
        fault: Option<Fault>,
    },
    /// What `power-loss` records
    #[command(hide = true)]
    PowerLossScript {
        folder: PathBuf,
        lines: PathBuf,
        #[command(flatten)]
        script: Script,
    },
    /// Explores every state of the protocol, or shows how a broken twin of it breaks a law
    Model {
        /// The twin to look at; `all` for each of them
        #[arg(long)]
        twin: Option<String>,
        /// The threads that explore
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// Takes a store and its workers to the limits of load, and says what happens
    Load(load::Options),
    /// Runs one case of `load`
    #[command(hide = true)]
    LoadAlone(load::Alone),
    /// Performs jobs, as `load` says
    #[command(hide = true)]
    LoadWorker(load::Worker),
    /// Outlives its parent, as `load` says
    #[command(hide = true)]
    LoadLinger(load::Linger),
}

fn main() -> anyhow::Result<ExitCode> {
    match Proof::parse().what {
        What::Check { history } => check(&history),
        What::Chaos(options) => {
            let report = options.run()?;
            println!("{report}");
            Ok(code(report.is_well()))
        }
        What::Load(options) => options.run(),
        What::LoadAlone(alone) => alone.run(),
        What::LoadWorker(worker) => worker.run().map(|()| ExitCode::SUCCESS),
        What::LoadLinger(linger) => linger.run().map(|()| ExitCode::SUCCESS),
        What::Worker(worker) => logged(|| worker.run()),
        What::Dispatcher(dispatcher) => logged(|| dispatcher.run()),
        What::Simulate(simulate) => Ok(code(simulate.run()?)),
        What::PowerLoss { script, extent, fault } => lose_power(&script, extent, fault),
        What::PowerLossScript { folder, lines, script } => {
            // Several threads, so that a dispatch that is alone is committed by its own task.
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
            runtime.block_on(perform(&script, &folder, &lines))?;
            Ok(ExitCode::SUCCESS)
        }
        What::Model { twin: Some(name), .. } => Ok(code(model::show_twins(&name))),
        What::Model { twin: None, threads } => Ok(code(model::show(threads))),
    }
}

fn code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let read = history::read(file)?;
    let verdict = checker::check(&read.lines);
    print!("{}", report(&read, &verdict)?);
    Ok(code(verdict.violations.is_empty()))
}

fn lose_power(script: &Script, extent: Extent, fault: Option<Fault>) -> anyhow::Result<ExitCode> {
    let recording = Recording::of(&std::env::current_exe()?, script)?;
    let examination = Examination::of(&recording, fault, script.seed, extent)?;
    for violation in examination.violations.iter().take(SHOWN) {
        println!("{}: {}", violation.rule, violation.what);
    }
    println!("seed {}: {examination}", script.seed);
    Ok(code(examination.violations.is_empty()))
}

/// What is wrong with a history, with the lines that show it, and what there was of everything.
fn report(read: &history::Read, verdict: &Verdict) -> anyhow::Result<String> {
    let mut text = String::new();
    for violation in &verdict.violations {
        writeln!(text, "{}: {}", violation.rule, violation.what)?;
        for place in &violation.lines {
            writeln!(text, "    {place}: {}", serde_json::to_string(&read.lines[*place])?)?;
        }
    }
    let (lines, torn, violations) = (read.lines.len(), read.torn, verdict.violations.len());
    write!(text, "{}", verdict.tally)?;
    writeln!(text, "{lines} lines, {torn} torn, {violations} violations")?;
    Ok(text)
}

/// What a process has to say goes where its errors go.
fn logged(run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).with_ansi(false).init();
    run().map(|()| ExitCode::SUCCESS)
}
