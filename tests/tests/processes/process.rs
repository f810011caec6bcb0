use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jobwork::JobId;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::store::Store;

/// Only a broken test waits this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The report that a worker ends with.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) reason: String,
    pub(crate) completed: u64,
    pub(crate) handed_back: Vec<JobId>,
    pub(crate) abandoned: Vec<JobId>,
}

impl Report {
    /// It stopped because of a signal, completed so many jobs, and owes nobody anything.
    #[track_caller]
    pub(crate) fn assert_clean(&self, completed: u64) {
        let found = (self.reason.as_str(), self.completed, self.handed_back.len(), self.abandoned.len());
        assert_eq!(found, ("signal", completed, 0, 0), "{self:?}");
    }

    /// It gave these jobs back, and owes nobody anything.
    #[track_caller]
    pub(crate) fn assert_handed_back(mut self, mut jobs: Vec<JobId>) {
        jobs.sort();
        self.handed_back.sort();
        assert_eq!((self.reason.as_str(), &self.handed_back, &self.abandoned), ("signal", &jobs, &vec![]), "{self:?}");
    }
}

/// A process of `signalled`, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    /// The lines that were read so far.
    seen: Vec<String>,
    errors: Option<JoinHandle<String>>,
}

impl Process {
    /// A worker on the store, as soon as it claims; `settings` are those of `signalled::main`.
    pub(crate) fn worker(store: &Store, settings: &[&str]) -> Self {
        let mut process = Self::start(store, settings);
        process.expect("state running");
        process
    }

    pub(crate) fn start(store: &Store, settings: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signalled"))
            .arg(format!("url={}", store.url()))
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // The test may have failed, and listen no more.
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut stderr = child.stderr.take().unwrap();
        let errors = Some(thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text).unwrap_or_else(|error| error.to_string())
        }));
        Self { stdin: child.stdin.take().unwrap(), child, lines, seen: Vec::new(), errors }
    }

    /// Waits for an event that begins with these words, unless it has come already, and returns it.
    #[track_caller]
    pub(crate) fn expect(&mut self, event: &str) -> String {
        self.expect_times(event, 1)
    }

    /// Waits until the process has said so many such things, and gives the last of them.
    #[track_caller]
    pub(crate) fn expect_times(&mut self, event: &str, times: usize) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = self.find(event).nth(times - 1) {
                return found.clone();
            }
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(error) => self.give_up(&format!("no `{event}` {times} times ({error})")),
            }
        }
    }

    /// Fails the test, with all that the process said.
    #[track_caller]
    fn give_up(&mut self, problem: &str) -> ! {
        // It may have ended.
        let _ = self.child.kill();
        let errors = self.errors();
        panic!("{problem} after {:#?}\n{errors}", self.seen)
    }

    fn find(&self, event: &str) -> impl Iterator<Item = &String> {
        let begins =
            move |line: &&String| line.strip_prefix(event).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        self.seen.iter().filter(begins)
    }

    /// Whether an event that begins with these words was among those read so far.
    pub(crate) fn has_seen(&self, event: &str) -> bool {
        self.find(event).next().is_some()
    }

    /// The events that were read so far.
    pub(crate) fn seen(&self) -> &[String] {
        &self.seen
    }

    /// These came, each once, in this order.
    #[track_caller]
    pub(crate) fn assert_order(&self, events: &[&str]) {
        let place = |event: &&str| self.seen.iter().position(|line| line.starts_with(event));
        let places: Vec<_> = events.iter().map(place).collect();
        assert!(places.is_sorted() && !places.contains(&None), "not {events:?} but {:#?}", self.seen);
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Lets the job of this label go on, or `all`.
    pub(crate) fn release(&mut self, label: &str) {
        writeln!(self.stdin, "{label}").unwrap();
    }

    /// Waits for the end of the process, and reads all that it still has to say.
    #[track_caller]
    pub(crate) fn exited(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(error) => self.give_up(&format!("it does not end ({error})")),
            }
        }
    }

    /// Waits for the end of the process, which must be a good one, and returns its report.
    #[track_caller]
    pub(crate) fn report(&mut self) -> Report {
        let status = self.exited();
        let report = self.find("report").next().unwrap_or_else(|| panic!("{status}: no report in {:#?}", self.seen));
        assert!(status.success(), "{status}");
        serde_json::from_str(report.trim_start_matches("report ")).unwrap()
    }

    /// What it wrote to standard error, once it has ended.
    pub(crate) fn errors(&mut self) -> String {
        self.errors.take().map(|errors| errors.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended if all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
