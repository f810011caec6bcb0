//! Several processes on one SQLite file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use jiff::Timestamp;
use jobwork::store::sqlite::Sqlite;
use jobwork::store::{Push, Pushed, Rescue, Store, Topic};
use jobwork::{Flow, JobState, NewJob, Unique};
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

/// A disk that failed is made read-only by the kernel. A worker that came then would never write again, though it lives on.
#[test]
fn a_file_on_a_read_only_disk_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory);
    // The files beside it are there as long as it lives; without them nobody could even open it.
    let _other = Peer::start(&file, &["open"]).opened();
    // In a namespace of mounts of its own, so that nobody else sees it.
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 77; exec \"$2\" \"$3\" open";
    let words = [directory.path(), Path::new(env!("CARGO_BIN_EXE_sqlite_peer")), &file];
    let opened =
        Command::new("unshare").args(["-Urm", "sh", "-c", script, "sh"]).args(words).stdin(Stdio::null()).output();
    match opened {
        Ok(opened) if !is_unable(&opened) => {
            let error = String::from_utf8_lossy(&opened.stderr);
            assert!(!opened.status.success() && error.contains("the file is read-only"), "{error}");
        }
        _ => eprintln!("skipped: nothing can be mounted here"),
    }
}

/// Whether no namespace could be made, or nothing mounted in it.
fn is_unable(output: &Output) -> bool {
    output.status.code() == Some(77) || output.stderr.starts_with(b"unshare: ")
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

#[test]
fn processes_that_dispatch_one_key_at_once_make_one_job() {
    const KEYS: usize = 50;
    let directory = TempDir::new().unwrap();
    let role = ["unique", &KEYS.to_string()];
    let mut peers: Vec<Peer> = (0..4).map(|_| Peer::start(&file(&directory), &role).opened()).collect();
    peers.iter_mut().for_each(Peer::begin);
    let told: Vec<Vec<String>> = peers.into_iter().map(Peer::end).collect();
    for key in 0..KEYS {
        let (new, found): (Vec<&str>, Vec<&str>) =
            told.iter().map(|lines| lines[key].as_str()).partition(|line| line.ends_with(" new"));
        assert_eq!((new.len(), found.len()), (1, 3), "key {key}");
        let id = new[0].trim_end_matches(" new");
        assert!(found.iter().all(|line| *line == id), "{found:?} are not {id}");
    }
}

#[tokio::test]
async fn a_killed_process_leaves_no_key_behind_but_its_jobs() {
    let directory = TempDir::new().unwrap();
    let store = Sqlite::open(file(&directory)).await.unwrap();
    let mut job = NewJob::new("job", "{}");
    job.flow = Flow::default().unique(Unique::new("k"));
    let push = async || store.push(Push::of(vec![job.clone()], Timestamp::now())).await.unwrap().jobs[0];
    let first = push().await;
    let mut peer = Peer::start(&file(&directory), &["hold", "1"]).opened();
    peer.begin();
    while peer.line() != "held" {}
    peer.process.kill().unwrap();
    peer.process.wait().unwrap();
    assert_eq!(push().await, Pushed::Existing(first.id()), "the job is still to be performed");
    let rescue = Rescue { poison_after: 1, now: Timestamp::now() };
    assert_eq!(store.upkeep().unwrap().rescue(rescue).await.unwrap(), [first.id()]);
    assert!(push().await.is_new(), "it is dead");
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
