//! One of several processes on one SQLite file.
//!
//! Usage: `sqlite_peer FILE ROLE [N]`. It writes a line `ready` when it has opened the file, begins when it reads a
//! line, and then writes what its role says:
//! - `open`: nothing.
//! - `push N`: dispatches N jobs one by one, and writes each one's id.
//! - `unique N`: dispatches a job of each of N unique keys, one by one, and writes each one's id, and `new` if it made it.
//! - `work N`: claims and completes until N jobs are completed in the whole file, and writes each one's id.
//! - `hold N`: claims N jobs, writes each one's id, and lives on.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{Beat, BeatKind, Claim, Push, Served, Store, WorkerInfo, WorkerState};
use jobwork::{Finished, Flow, JobId, NewJob, Outcome, Result, Unique, WorkerId};

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, role, rest @ ..] = words.as_slice() else { panic!("usage: sqlite_peer FILE ROLE [N]") };
    let count = rest.first().map_or(0, |count| count.parse().unwrap());
    let store = Sqlite::open(file.as_str()).await?;
    say("ready");
    listen();
    match role.as_str() {
        "open" => Ok(()),
        "push" => push(&store, count).await,
        "unique" => unique(&store, count).await,
        "work" => work(&store, count).await,
        "hold" => hold(&store, count).await,
        role => panic!("unknown role {role}"),
    }
}

fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

fn listen() {
    io::stdin().lock().read_line(&mut String::new()).unwrap();
}

async fn push(store: &Sqlite, count: usize) -> Result<()> {
    for _ in 0..count {
        let ids = store.push(Push::of(vec![NewJob::new("job", "{}")], Timestamp::now())).await?.ids();
        say(ids[0]);
    }
    Ok(())
}

async fn unique(store: &Sqlite, count: usize) -> Result<()> {
    for key in 0..count {
        let flow = Flow::default().unique(Unique::new(key.to_string()));
        let mut job = NewJob::new("job", "{}");
        job.flow = flow;
        let pushed = store.push(Push::of(vec![job], Timestamp::now())).await?.jobs[0];
        say(format!("{}{}", pushed.id(), if pushed.is_new() { " new" } else { "" }));
    }
    Ok(())
}

async fn join(store: &Sqlite) -> Result<WorkerId> {
    let id = WorkerId::fresh();
    let info = WorkerInfo {
        id,
        host: "here".to_owned(),
        pid: std::process::id(),
        queues: Vec::new(),
        concurrency: 1,
        started_at: Timestamp::now(),
    };
    let (worker, kind, state, lease) = (Arc::new(info), BeatKind::Join, WorkerState::Running, Duration::from_secs(600));
    store.beat(Beat { worker, kind, state, running: 0, lease, now: Timestamp::now() }).await?;
    Ok(id)
}

fn claim(worker: WorkerId, limit: usize) -> Claim {
    Claim::new(worker, Arc::new([Served { name: "job".to_owned(), version: 1 }]), limit, Timestamp::now())
}

async fn work(store: &Sqlite, count: usize) -> Result<()> {
    let worker = join(store).await?;
    while completed(store).await? < count {
        // Small batches, so that the processes take turns.
        let jobs = store.claim(claim(worker, 3)).await?.jobs;
        let done =
            |lease| Finished { lease, outcome: Outcome::Completed { output: "null".to_owned() }, at: Timestamp::now() };
        let finished: Arc<[Finished]> = jobs.iter().map(|job| done(job.lease)).collect();
        store.finish(finished).await?;
        jobs.iter().for_each(|job| say(job.lease.job));
    }
    Ok(())
}

async fn completed(store: &Sqlite) -> Result<usize> {
    let inspect = store.inspect().expect("a sqlite store can be inspected");
    Ok(inspect.counts(Timestamp::now()).await?.completed as usize)
}

async fn hold(store: &Sqlite, count: usize) -> Result<()> {
    let worker = join(store).await?;
    let jobs = store.claim(claim(worker, count)).await?.jobs;
    let ids: Vec<JobId> = jobs.iter().map(|job| job.lease.job).collect();
    ids.iter().for_each(say);
    say("held");
    std::future::pending().await
}
