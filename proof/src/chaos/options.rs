use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use super::Report;
use super::crew::{Crew, Programs};
use super::database::Database;
use super::storm::Storm;
use super::{peace, remains};
use crate::history::{self, History};

/// Real processes on a real store, and all that can go wrong with them.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// `sqlite`, `postgres` (a server is started for it), or the URL of an empty store
    #[arg(long)]
    store: String,
    /// How long there is chaos; the peace after it takes as long as it takes, up to two minutes
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What all choices are made of; a random one by default
    #[arg(long)]
    seed: Option<u64>,
    /// How many workers there are; half as many dispatchers come on top
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Where the history is kept; by default a file that is removed unless something is wrong
    #[arg(long)]
    history: Option<PathBuf>,
    /// Another build of this program, which some of the workers are
    #[arg(long)]
    old: Option<PathBuf>,
    /// Whether this process may mount what it likes, since nobody else sees it
    #[arg(long, hide = true)]
    apart: bool,
}

impl Options {
    /// Runs it all, and says what came of it.
    ///
    /// # Errors
    /// When the run itself can't go on, which says nothing about the store.
    pub fn run(mut self) -> anyhow::Result<Report> {
        if self.store == "sqlite" && !self.apart {
            self.set_apart();
        }
        let seed = *self.seed.get_or_insert_with(|| fastrand::u64(..1_000_000));
        let file = self.history_file(seed);
        println!("chaos on {} for {} s, seed {seed}, history {}", self.store, self.seconds, file.display());
        // The first thread starts all processes, and runs everything here.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut report = runtime.block_on(self.disturb(seed, &file))?;
        report.kept = (self.history.is_some() || !report.is_well()).then(|| file.clone());
        if report.kept.is_none() {
            std::fs::remove_file(&file)?;
            // There is one only if somebody had something to say.
            let _ = std::fs::remove_file(log_of(&file));
        }
        Ok(report)
    }

    async fn disturb(&self, seed: u64, file: &Path) -> anyhow::Result<Report> {
        let database = Database::of(&self.store, self.apart, self.seconds)?;
        database.check().await?;
        let history = History::of_file(file)?;
        let programs = Programs::new(database.url(), file, &log_of(file), self.old.clone())?;
        let crew = Crew::new(programs, history.clone(), seed, self.workers);
        let mut storm = Storm::new(crew, database, history.clone(), seed);
        storm.rage(Duration::from_secs(self.seconds)).await?;
        let (mut crew, database, faults) = storm.end()?;
        // Not before: nobody could make the disk read-only while we have the file open.
        let jobs = peace::open(&database.url()).await?;
        let peace = peace::keep(&mut crew, &jobs, &history).await?;
        crew.end();
        remains::write(&jobs, &history, file).await?;
        drop(database);
        Ok(Report::new(seed, faults, peace, &history::read(file)?))
    }

    /// Goes on in a namespace of mounts of its own, which is gone with the last of its processes. Where that isn't possible the disk
    /// stays as it is, and `apart` stays false.
    fn set_apart(&self) {
        let root = rustix::process::geteuid().is_root();
        let flags = if root { "-m" } else { "-Urm" };
        let able = Command::new("unshare").args([flags, "true"]).status().is_ok_and(|status| status.success());
        if let (true, Ok(program)) = (able, std::env::current_exe()) {
            let words = std::env::args_os().skip(1);
            let error = Command::new("unshare").arg(flags).arg(program).args(words).arg("--apart").exec();
            println!("can't go on apart: {error}");
        }
        println!("nothing can be mounted here: no full disk, and no read-only one");
    }

    fn history_file(&self, seed: u64) -> PathBuf {
        let kind = self.store.split(':').next().unwrap_or_default();
        let name = format!("chaos-{kind}-{seed}-{}.history", std::process::id());
        self.history.clone().unwrap_or_else(|| std::env::temp_dir().join(name))
    }
}

/// What the processes of a run say goes here.
fn log_of(history: &Path) -> PathBuf {
    let mut name = history.as_os_str().to_owned();
    name.push(".log");
    name.into()
}
