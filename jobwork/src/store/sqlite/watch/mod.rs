//! Seeing that another process has committed.
//!
//! SQLite keeps a number per connection that changes when another connection commits. A commit is written to the log
//! before it counts, which the kernel tells, or the log's age: then the number is looked at, at once, and again after
//! pauses that grow. Where one commit follows another, it is looked at every few milliseconds. Nobody looks at all unless
//! somebody waits for a hint.

mod closed;
#[cfg_attr(target_os = "linux", path = "inotify.rs")]
#[cfg_attr(not(target_os = "linux"), path = "untold.rs")]
mod kernel;
mod log;
mod pace;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use self::closed::Closed;
use self::log::Log;
use self::pace::Pace;
use super::open;
use crate::store::Waker;

/// The first pause after the log was written; each following one is half as long again. A commit takes a few of them.
const SOON: Duration = Duration::from_micros(250);
/// Between two looks where one commit follows another. A pause that has grown to this ends when the log is written.
const EVERY: Duration = Duration::from_millis(4);
/// No pause is longer. It is for a commit that took that long after it was written, and for a file system that doesn't
/// tell of writes.
const LONGEST: Duration = Duration::from_secs(1);

/// After the file could not be read; then it is opened anew.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The thread that watches a file; dropping this ends it.
#[derive(Debug)]
pub(super) struct Watch {
    closed: Arc<Closed>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts the thread, which sleeps until it is told that somebody listens, and calls `noticed` after each commit
    /// of any connection, this process's writer included.
    pub(super) fn start(
        path: PathBuf,
        waker: Arc<Waker>,
        noticed: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let log = Log::told(&path);
        Watcher { path, log, waker, noticed, every: EVERY, longest: LONGEST, seen: None }.start()
    }

    /// To be called after somebody has begun to listen.
    pub(super) fn listen(&self) {
        self.thread.as_ref().map(JoinHandle::thread).into_iter().for_each(Thread::unpark);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.closed.close();
        self.listen();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watcher<N> {
    path: PathBuf,
    log: Log,
    waker: Arc<Waker>,
    noticed: N,
    every: Duration,
    longest: Duration,
    /// The number as the open connection showed it last.
    seen: Option<i64>,
}

impl<N: Fn() + Send + 'static> Watcher<N> {
    fn start(self) -> std::io::Result<Watch> {
        let closed = Arc::new(Closed::new()?);
        let told = Arc::clone(&closed);
        let thread = thread::Builder::new().name("jobwork-watch".to_owned()).spawn(move || self.run(&told))?;
        Ok(Watch { closed, thread: Some(thread) })
    }

    fn run(mut self, closed: &Closed) {
        while !closed.is_closed() {
            if !self.waker.is_heard() {
                thread::park();
                continue;
            }
            let watched = open::connect(&self.path).and_then(|connection| self.watch(&connection, closed));
            self.log.release();
            if watched.is_err() {
                thread::park_timeout(AFTER_FAILURE);
            }
        }
    }

    /// Looks as long as anybody listens.
    fn watch(&mut self, connection: &Connection, closed: &Closed) -> rusqlite::Result<()> {
        self.seen = None;
        let (mut pause, mut pace) = (SOON, Pace::new(self.every, Instant::now()));
        while self.waker.is_heard() && !closed.is_closed() {
            // Before the look, so that whatever is written after it ends the pause.
            let watching = pause >= self.every;
            let watched = watching && self.log.watch();
            if self.look(connection)? {
                pause = self.every;
                // What follows is to end the pause too.
                if !watching {
                    continue;
                }
            }
            pause = self.pause(pause, watched, closed, &mut pace);
        }
        Ok(())
    }

    /// Waits, and returns how long to wait after the next look.
    fn pause(&self, pause: Duration, watched: bool, closed: &Closed, pace: &mut Pace) -> Duration {
        if !watched {
            thread::park_timeout(pause.min(self.every));
        } else if self.log.wait(pause, closed) {
            let crowd = pace.take(Instant::now());
            if crowd.is_zero() {
                return SOON;
            }
            thread::park_timeout(crowd);
            return self.every;
        }
        self.longest.min(pause * 3 / 2)
    }

    /// Whether there was a commit since the last look.
    fn look(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let changed = self.seen.replace(version) != Some(version);
        if changed {
            (self.noticed)();
        }
        Ok(changed)
    }
}
