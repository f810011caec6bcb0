use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use fastrand::Rng;
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::Process;
use crate::history::{Event, History};
use crate::workload::Release;

/// The lease of the workers.
pub(super) const LEASE: Duration = Duration::from_millis(2000);

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Performs jobs.
    Worker,
    /// Dispatches them.
    Dispatcher,
}

impl Role {
    /// Its name on the command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Dispatcher => "dispatcher",
        }
    }
}

/// The programs that processes are started from, and what they are told.
#[derive(Debug)]
pub(super) struct Programs {
    /// Holds a copy of this program, which may be built anew while it runs.
    _directory: TempDir,
    new: PathBuf,
    old: Option<PathBuf>,
    store: String,
    history: PathBuf,
    log: PathBuf,
}

impl Programs {
    pub(super) fn new(store: String, history: &Path, log: &Path, old: Option<PathBuf>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("jobwork-chaos.").tempdir()?;
        let new = directory.path().join("proof");
        std::fs::copy(std::env::current_exe()?, &new).context("can't copy this program")?;
        Ok(Self { _directory: directory, new, old, store, history: history.to_owned(), log: log.to_owned() })
    }

    fn command(&self, role: Role, other: bool) -> anyhow::Result<Command> {
        let program = self.old.as_ref().filter(|_| other).unwrap_or(&self.new);
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(program);
        command.arg(role.word()).arg("--store").arg(&self.store).arg("--history").arg(&self.history);
        command.env("RUST_BACKTRACE", "0").stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }
}

/// A place for a process, which is started again when it has ended.
#[derive(Debug)]
struct Place {
    role: Role,
    process: Option<Process>,
    /// When the next one comes.
    next: Instant,
    /// Whether it is the newest program, with the right time.
    plain: bool,
}

/// All workers and dispatchers.
#[derive(Debug)]
pub(super) struct Crew {
    programs: Programs,
    places: Vec<Place>,
    history: History,
    rng: Rng,
    /// Whether everything is as it should be from now on.
    peaceful: bool,
}

impl Crew {
    /// A crew of so many workers and half as many dispatchers, who come when it is tended.
    pub(super) fn new(programs: Programs, history: History, seed: u64, workers: usize) -> Self {
        let place = |role| Place { role, process: None, next: Instant::now(), plain: true };
        let dispatchers = (0..workers.div_ceil(2)).map(|_| place(Role::Dispatcher));
        let places = (0..workers.max(1)).map(|_| place(Role::Worker)).chain(dispatchers).collect();
        Self { programs, places, history, rng: Rng::with_seed(seed ^ 0xC0E7), peaceful: false }
    }

    /// Sees to it that whoever has ended is replaced.
    pub(super) fn tend(&mut self) -> anyhow::Result<()> {
        for index in 0..self.places.len() {
            let place = &mut self.places[index];
            if place.process.as_mut().is_some_and(Process::has_ended) {
                place.process = None;
                place.next = Instant::now() + Duration::from_millis(self.rng.u64(20..600));
            }
            let wanted = !(self.peaceful && place.role == Role::Dispatcher);
            if wanted && place.process.is_none() && Instant::now() >= place.next {
                self.start(index)?;
            }
        }
        Ok(())
    }

    /// Starts the process of a place: now and then it is another release, or has a clock that is wrong or becomes so.
    fn start(&mut self, index: usize) -> anyhow::Result<()> {
        let (role, rng) = (self.places[index].role, &mut self.rng);
        // One place never differs, so that every job has someone who can perform it.
        let differs = !self.peaceful && index > 0;
        let release = if differs && rng.u32(..4) == 0 { Release::Old } else { Release::New };
        let other = differs && rng.u32(..3) == 0;
        let mut command = self.programs.command(role, other)?;
        command.args(["--release", release.word()]);
        let mut shift = 0;
        match role {
            Role::Dispatcher => drop(command.args(["--seed", &rng.u64(..).to_string()])),
            Role::Worker => {
                if differs && rng.u32(..8) == 0 {
                    shift = rng.i64(-20_000..20_000);
                    command.args(["--jumps-after", &rng.u64(..2000).to_string()]);
                }
                command.args(["--lease", &LEASE.as_millis().to_string(), "--shift", &shift.to_string()]);
            }
        }
        let process = Process::start(&mut command)?;
        if shift != 0 {
            let what = format!("worker {} gets a clock that is {shift} ms ahead", process.number());
            self.history.add(Event::Fault { what });
        }
        self.places[index].plain = shift == 0 && release == Release::New;
        self.places[index].process = Some(process);
        Ok(())
    }

    /// The processes of a role.
    pub(super) fn of(&mut self, role: Role) -> Vec<&mut Process> {
        let places = self.places.iter_mut().filter(|place| place.role == role);
        places.filter_map(|place| place.process.as_mut()).collect()
    }

    /// The process of this number, if it is still there.
    pub(super) fn number(&mut self, number: u32) -> Option<&mut Process> {
        self.places.iter_mut().filter_map(|place| place.process.as_mut()).find(|process| process.number() == number)
    }

    /// Ends the dispatchers, and replaces workers who are not the newest program, or have a wrong clock.
    pub(super) fn make_peace(&mut self) {
        self.peaceful = true;
        for place in &mut self.places {
            let Some(process) = &mut place.process else { continue };
            match place.role {
                Role::Dispatcher => process.close(),
                Role::Worker if !place.plain => process.signal(Signal::TERM),
                Role::Worker => {}
            }
        }
    }

    /// Lets the workers stop, as they are asked to.
    pub(super) fn end(mut self) {
        self.of(Role::Worker).iter_mut().for_each(|process| process.signal(Signal::TERM));
        for process in self.of(Role::Worker) {
            if !process.wait(Duration::from_secs(20)) {
                println!("worker {} did not stop, and was killed", process.number());
            }
        }
    }
}
