//! Seeing that another process has committed.
//!
//! SQLite keeps a number per connection that changes when another connection commits. It is read often while commits
//! are about; while the file rests, the age of its log tells as much and costs less. Nobody looks at all unless
//! somebody waits for a hint.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;

use super::open;
use super::writer::Tasks;
use crate::store::Waker;

/// While commits are about.
const EVERY: Duration = Duration::from_millis(5);
/// While the file rests. The waking up is what costs, ten times as much as the look.
const AT_REST: Duration = Duration::from_millis(8);
/// No file system tells times apart less exactly that keeps them in whole seconds.
const COARSE: Duration = Duration::from_millis(2_500);
/// No other does: they keep what the system's clock showed at its last tick.
const FINE: Duration = Duration::from_millis(50);
/// After the file could not be read.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The thread that watches a file; dropping this ends it.
#[derive(Debug)]
pub(super) struct Watch {
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts the thread, which sleeps until it is told that somebody listens.
    pub(super) fn start(path: PathBuf, waker: Arc<Waker>, writer: Option<Tasks>) -> std::io::Result<Self> {
        let closed = Arc::new(AtomicBool::new(false));
        let log = beside(&path, "-wal");
        let watcher = Watcher { path, log, waker, writer, closed: Arc::clone(&closed), seen: 0, rests_since: None };
        let thread = thread::Builder::new().name("jobwork-watch".to_owned()).spawn(move || watcher.run())?;
        Ok(Self { closed, thread: Some(thread) })
    }

    /// To be called after somebody has begun to listen.
    pub(super) fn listen(&self) {
        self.thread.as_ref().map(JoinHandle::thread).into_iter().for_each(Thread::unpark);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.listen();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(suffix);
    name.into()
}

/// How far apart two writes must be for the times of the file to differ, by the look of one such time.
fn coarseness(written: SystemTime) -> Duration {
    let whole = written.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
    if whole { COARSE } else { FINE }
}

struct Watcher {
    path: PathBuf,
    /// Every commit is written to this file.
    log: PathBuf,
    waker: Arc<Waker>,
    writer: Option<Tasks>,
    closed: Arc<AtomicBool>,
    seen: i64,
    /// When the log was written last, if that is so long ago that a later commit must show.
    rests_since: Option<SystemTime>,
}

impl Watcher {
    fn run(mut self) {
        let mut connection: Option<Connection> = None;
        while !self.closed.load(Ordering::Acquire) {
            if !self.waker.is_heard() {
                (connection, self.rests_since) = (None, None);
                thread::park();
                continue;
            }
            let looked = match &connection {
                Some(_) if self.rests() => Ok(AT_REST),
                Some(connection) => self.look(connection),
                None => open::connect(&self.path).and_then(|opened| self.look(connection.insert(opened))),
            };
            thread::park_timeout(looked.unwrap_or(AFTER_FAILURE));
        }
    }

    /// Whether the log is as it was when it was looked at last, and had not been written just before that.
    fn rests(&mut self) -> bool {
        let written = std::fs::metadata(&self.log).and_then(|log| log.modified()).ok();
        let rested = written.is_some() && self.rests_since == written;
        let long_ago = |written: &SystemTime| written.elapsed().is_ok_and(|age| age > coarseness(*written));
        self.rests_since = written.filter(long_ago);
        rested
    }

    fn look(&mut self, connection: &Connection) -> rusqlite::Result<Duration> {
        let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        // To this connection our own writer is another one too; only the writer can tell.
        if std::mem::replace(&mut self.seen, version) != version {
            self.writer.as_ref().map(Tasks::notice_others);
        }
        Ok(EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_whole_seconds_is_taken_for_a_coarse_one() {
        let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(coarseness(whole), COARSE);
        assert_eq!(coarseness(whole + Duration::from_millis(4)), FINE);
    }
}
