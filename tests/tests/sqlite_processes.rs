//! Several processes on one SQLite file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use jiff::Timestamp;
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{Push, Rescue, Store, Topic};
use jobwork::{JobState, NewJob};
use tempfile::TempDir;

/// A process of `sqlite_peer`, which is killed when this is dropped.
struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(file: &Path, role: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_sqlite_peer"))
            .arg(file)
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, input, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until the file is open.
    fn opened(mut self) -> Self {
        assert_eq!(self.line(), "ready");
        self
    }

    fn begin(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// What it writes until it ends, which must be well.
    fn end(mut self) -> Vec<String> {
        let lines = self.output.by_ref().lines().map(Result::unwrap).collect();
        assert!(self.process.wait().unwrap().success());
        lines
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("jobs.db")
}

#[test]
fn eight_processes_open_a_new_file_at_once() {
    let directory = TempDir::new().unwrap();
    let peers: Vec<Peer> = (0..8).map(|_| Peer::start(&file(&directory), &["open"])).collect();
    for mut peer in peers {
        assert_eq!(peer.line(), "ready");
        peer.begin();
        peer.end();
    }
}

#[test]
fn two_processes_dispatch_while_two_work_and_each_job_runs_once() {
    const EACH: usize = 100;
    let directory = TempDir::new().unwrap();
    let (each, all) = (EACH.to_string(), (2 * EACH).to_string());
    let roles = [["push", &each], ["push", &each], ["work", &all], ["work", &all]];
    let mut peers = roles.map(|role| Peer::start(&file(&directory), &role).opened());
    peers.iter_mut().for_each(Peer::begin);
    let [one, two, three, four] = peers.map(Peer::end);
    let pushed: BTreeSet<String> = one.into_iter().chain(two).collect();
    let worked: Vec<String> = three.into_iter().chain(four).collect();
    assert_eq!((pushed.len(), worked.len()), (2 * EACH, 2 * EACH));
    assert_eq!(worked.into_iter().collect::<BTreeSet<_>>(), pushed);
}

#[tokio::test]
async fn a_dispatch_in_one_process_wakes_a_waiter_in_another() {
    let directory = TempDir::new().unwrap();
    let store = Sqlite::open(file(&directory)).await.unwrap();
    let mut peer = Peer::start(&file(&directory), &["push", "1"]).opened();
    let mut wakeups = store.wakeups(Topic::Ready);
    peer.begin();
    let inspect = store.inspect().unwrap();
    while inspect.counts(Timestamp::now()).await.unwrap().ready == 0 {
        wakeups.changed().await;
    }
    assert_eq!(peer.end().len(), 1);
}

#[tokio::test]
async fn the_next_rescue_takes_the_jobs_of_a_killed_process() {
    let directory = TempDir::new().unwrap();
    let store = Sqlite::open(file(&directory)).await.unwrap();
    let ids = store.push(Push::of(vec![NewJob::new("job", "{}"); 3], Timestamp::now())).await.unwrap().ids();
    let mut peer = Peer::start(&file(&directory), &["hold", "3"]).opened();
    peer.begin();
    while peer.line() != "held" {}
    let rescue = async || {
        let rescue = Rescue { poison_after: 3, now: Timestamp::now() };
        store.upkeep().unwrap().rescue(rescue).await.unwrap()
    };
    assert_eq!(rescue().await, [], "its process lives");
    peer.process.kill().unwrap();
    peer.process.wait().unwrap();
    assert_eq!(rescue().await, ids, "long before its lease of ten minutes ends");
    let found = store.inspect().unwrap().get(&ids, Timestamp::now()).await.unwrap();
    for job in found.into_iter().flatten() {
        assert_eq!((job.state, job.attempt, job.rescues), (JobState::Ready, 0, 1));
    }
    let locks = directory.path().read_dir().unwrap().flatten();
    assert_eq!(locks.filter(|file| file.path().extension().is_some_and(|ending| ending == "lock")).count(), 0);
}
