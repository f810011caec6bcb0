//! The program whose machine loses power: it does to a store what dispatchers and workers do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastrand::Rng;
use jiff::Timestamp;
use jobwork::{Claimed, DeadReason, Failure, FailureKind, Membership, NewJob, Outcome, Wait};
use tokio::task::JoinSet;

use super::line::Lines;
use super::session::{NAMES, Notebook, Session};

/// The file in the folder.
pub(super) const FILE: &str = "jobs.db";

/// So many rounds, then the store is closed, which removes its log, and opened again.
const ROUNDS: usize = 3;

/// What the program does.
#[derive(Clone, Debug, clap::Args)]
pub struct Script {
    /// How many jobs are dispatched, at least
    #[arg(long, default_value_t = 200)]
    pub jobs: usize,
    /// What is left to chance
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Fill the log in the end, until the store itself writes it back
    #[arg(long)]
    pub fill: bool,
}

impl Script {
    /// The arguments with which the program performs it, see [`perform`].
    pub(super) fn arguments(&self, folder: &str, lines: &str) -> Vec<String> {
        let (jobs, seed) = (format!("--jobs={}", self.jobs), format!("--seed={}", self.seed));
        let mut arguments = vec!["power-loss-script".to_owned(), folder.to_owned(), lines.to_owned(), jobs, seed];
        arguments.extend(self.fill.then(|| "--fill".to_owned()));
        arguments
    }
}

/// Performs a script on a file in a folder, and writes its lines into another file.
///
/// # Errors
/// When a call fails.
pub async fn perform(script: &Script, folder: &Path, lines: &Path) -> anyhow::Result<()> {
    let notebook = Arc::new(Notebook::new(Lines::to(lines)?));
    let mut program =
        Program { file: folder.join(FILE), random: Rng::with_seed(script.seed), made: 0, claimed: Vec::new() };
    while program.made < script.jobs {
        let session = Arc::new(Session::open(&program.file, &notebook).await?);
        for round in 0..ROUNDS {
            program.round(round, &session, &notebook).await?;
        }
        // What it still runs is left for the next session to rescue.
        program.claimed.clear();
    }
    if script.fill {
        program.fill(&Session::open(&program.file, &notebook).await?).await?;
    }
    Ok(())
}

struct Program {
    file: PathBuf,
    random: Rng,
    /// So many jobs were made.
    made: usize,
    /// Jobs that run.
    claimed: Vec<Claimed>,
}

impl Program {
    /// What changes one job is never done at the same time, so that it is known which change came last.
    async fn round(&mut self, round: usize, session: &Arc<Session>, notebook: &Notebook) -> anyhow::Result<()> {
        let (queue, other) = if round.is_multiple_of(2) { ("even", "odd") } else { ("odd", "even") };
        for _ in 0..3 {
            session.push(self.jobs(queue, 1)).await?;
        }
        self.at_once(queue, session).await?;
        let aside = self.jobs(queue, 1);
        let (pushed, claimed) = tokio::join!(session.push(aside), session.claim(other, 14));
        pushed?;
        self.claimed.extend(claimed?);
        let is_alone = |found: &super::found::Found| {
            !found.record.state.is_final() && found.record.chain.is_none() && found.record.worker.is_none()
        };
        let open = notebook.which(is_alone);
        if let [first, .., last] = open[..] {
            session.cancel(first).await?;
            session.delete(last).await?;
        }
        session.prune(5).await
    }

    /// Dispatches and outcomes at the same time, while the application writes the log back.
    async fn at_once(&mut self, queue: &str, session: &Arc<Session>) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        let checkpoint = self.random.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"]).unwrap_or("PASSIVE");
        let file = self.file.clone();
        tasks.spawn_blocking(move || write_back(&file, checkpoint));
        let mut pushes = vec![self.jobs(queue, 20), self.jobs(queue, 5), self.chain(queue), self.chain(queue)];
        pushes.extend((0..4).map(|_| self.jobs(queue, 1)));
        for jobs in pushes {
            let session = Arc::clone(session);
            tasks.spawn(async move { session.push(jobs).await });
        }
        while self.claimed.len() > 2 {
            let some = self.random.usize(1..=2);
            let outcomes = self.claimed.drain(..some).map(|job| (outcome(&mut self.random, &job), job));
            let outcomes = outcomes.map(|(outcome, job)| (job, outcome)).collect();
            let session = Arc::clone(session);
            tasks.spawn(async move { session.finish(outcomes).await });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    }

    /// More than 16 MiB, at which the store writes the log back with its next commit; then it begins anew.
    async fn fill(&mut self, session: &Session) -> anyhow::Result<()> {
        for _ in 0..6 {
            let args = format!(r#"{{"n":{},"text":"{}"}}"#, self.made, "f".repeat(3 << 20));
            let mut filler = NewJob::new(NAMES[0], args);
            filler.queue = "full".into();
            session.push(vec![filler]).await?;
            session.push(self.jobs("full", 1)).await?;
        }
        Ok(())
    }

    fn jobs(&mut self, queue: &str, count: usize) -> Vec<NewJob> {
        (0..count).map(|_| self.job(NAMES[0], queue)).collect()
    }

    fn job(&mut self, name: &'static str, queue: &str) -> NewJob {
        self.made += 1;
        // Now and then more than fits a page.
        let length = if self.random.u8(..8) == 0 { self.random.usize(..9_000) } else { self.random.usize(..100) };
        let args = format!(r#"{{"n":{},"text":"{}"}}"#, self.made, "x".repeat(length));
        let mut job = NewJob::new(name, args);
        job.queue = queue.to_owned().into();
        job.priority = self.random.i32(-1..=1);
        if self.random.u8(..4) == 0 {
            job.tags = vec![format!("tag-{}", self.made % 3)];
        }
        job
    }

    /// Three that run one after the other, each with the output of the one before.
    fn chain(&mut self, queue: &str) -> Vec<NewJob> {
        let member = |position: usize| {
            let mut job = self.job(NAMES[1], queue);
            job.chain = Some(Membership { first: 0, position: position as u32, on_error: None });
            job.waits =
                position.checked_sub(1).map(|on| Wait { on, slot: Some("before".to_owned()) }).into_iter().collect();
            job
        };
        (0..3).map(member).collect()
    }
}

fn outcome(random: &mut Rng, job: &Claimed) -> Outcome {
    let failure =
        Failure { kind: FailureKind::Error, message: "it went wrong".to_owned(), detail: None, middleware: None };
    // After the time at which all look, so that it is scheduled for them.
    let later = Timestamp::constant(1_900_000_000, 0);
    match random.u8(..10) {
        0 => Outcome::Retry { at: later, failure },
        1 => Outcome::Snoozed { until: later },
        2 => Outcome::HandedBack { failure: None },
        3 => Outcome::Discarded { why: "it was not wanted".to_owned() },
        4 => Outcome::Dead { reason: DeadReason::Exhausted, failure },
        5 => Outcome::Cancelled { failure: None },
        _ => Outcome::Completed { output: format!(r#"{{"of":"{}"}}"#, job.lease.job) },
    }
}

/// Writes SQLite's log back, as an application may do on a connection of its own.
fn write_back(file: &Path, how: &str) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(60))?;
    let mapped: i64 = connection.query_row("PRAGMA mmap_size", [], |row| row.get(0))?;
    anyhow::ensure!(mapped == 0, "SQLite writes to the file by way of memory, which no recording shows");
    Ok(connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))?)
}
