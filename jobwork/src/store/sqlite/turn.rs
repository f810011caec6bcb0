//! Taking turns with the other processes that write: a file beside the database, whose lock the kernel gives to one after
//! another.
//!
//! SQLite's own lock can only be asked for again and again, between pauses: most of the time nobody has it, while all who
//! want it sleep, and who sleeps may miss it for long. In line for a turn, each process sleeps until the one before it is
//! done. While it waits, more calls come together that share its commit.
//!
//! A turn is a courtesy, and no promise rests on it. SQLite's lock stays the one that counts, and is waited for patiently
//! with a turn too: other programs that write to the file know of no turns. Where the file system has no locks, all goes on
//! without turns. A process that has never met another writer takes none, and makes no file.
//!
//! A process that ends, however it ends, gives its turn back, and one that is stopped leaves the line. One that is stopped
//! during its turn keeps the others waiting, as it would with SQLite's lock alone. A lock can't be waited for with a time
//! limit, so a thread of its own says that a wait is long.

mod long_wait;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use self::long_wait::LongWait;
use super::busy;

/// The turns of one connection that writes.
#[derive(Debug)]
pub(super) struct Turns {
    path: PathBuf,
    /// Opened when another writer is met. `None` inside where it can't be.
    line: OnceCell<Option<Line>>,
}

/// The file whose lock is waited for, and who says that this takes long.
#[derive(Debug)]
struct Line {
    file: File,
    long_wait: LongWait,
}

/// A turn, until it is dropped; or none, where there are no turns.
#[derive(Debug)]
#[must_use]
pub(super) struct Turn<'a>(Option<&'a File>);

impl Turns {
    /// The turns of those that write to this database.
    pub(super) fn beside(database: &Path) -> Self {
        let mut path: OsString = database.into();
        path.push("-turn");
        Self { path: path.into(), line: OnceCell::new() }
    }

    /// Whether another writer was met before.
    pub(super) fn are_taken(&self) -> bool {
        self.line.get().is_some()
    }

    /// Waits for a turn. Who is in haste is told that the file is locked where it would have to wait.
    pub(super) fn take(&self) -> rusqlite::Result<Turn<'_>> {
        let Some(line) = self.line.get_or_init(|| self.open()) else { return Ok(Turn(None)) };
        match line.file.try_lock() {
            Ok(()) => Ok(Turn(Some(&line.file))),
            Err(TryLockError::WouldBlock) if busy::is_hasty() => Err(busy::locked()),
            Err(TryLockError::WouldBlock) => Ok(line.wait()),
            Err(TryLockError::Error(_)) => Ok(Turn(None)),
        }
    }

    fn open(&self) -> Option<Line> {
        let made = OpenOptions::new().write(true).create(true).truncate(false).open(&self.path);
        // Another user's file can be locked though it can't be written.
        let opened = made.or_else(|_| File::open(&self.path));
        let line = opened.and_then(|file| Ok(Line { file, long_wait: LongWait::start(warn)? }));
        line.inspect_err(|error| tracing::debug!(%error, "no turns between the processes that write to this file")).ok()
    }
}

impl Line {
    fn wait(&self) -> Turn<'_> {
        let _waiting = self.long_wait.begin();
        Turn(self.file.lock().is_ok().then_some(&self.file))
    }
}

impl Turn<'_> {
    /// Nobody's.
    pub(super) fn none() -> Self {
        Self(None)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.map(File::unlock) {
            tracing::error!(%error, "a turn to write to the job store's file can't be given back");
        }
    }
}

fn warn() {
    tracing::warn!("still waiting for a turn to write to the job store's file, which another process has");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    /// The turns of two processes: a lock belongs to whom the file was opened for.
    fn two() -> (tempfile::TempDir, Turns, Turns) {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("jobs.db");
        let (one, other) = (Turns::beside(&database), Turns::beside(&database));
        (directory, one, other)
    }

    #[test]
    fn a_turn_is_waited_for_until_it_is_given_back() {
        let (_directory, ours, theirs) = two();
        drop(ours.take().unwrap());
        let is_waiting = ours.line.get().unwrap().as_ref().unwrap().long_wait.asked();
        let held = theirs.take().unwrap();
        let given_back = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let ours = ours;
                let turn = ours.take().unwrap();
                turn.0.is_some() && given_back.load(Ordering::SeqCst)
            });
            while !is_waiting() && !waiting.is_finished() {
                thread::yield_now();
            }
            given_back.store(true, Ordering::SeqCst);
            drop(held);
            assert!(waiting.join().unwrap());
            assert!(!is_waiting());
        });
    }

    #[test]
    fn who_ends_during_its_turn_gives_it_back() {
        let (_directory, ours, theirs) = two();
        std::mem::forget(theirs.take().unwrap());
        assert!(busy::hastily(|| ours.take().map(drop)).is_err());
        drop(theirs);
        assert!(busy::hastily(|| ours.take().unwrap().0.is_some()));
    }

    #[test]
    fn who_is_in_haste_is_told_at_once_that_it_is_another_ones_turn() {
        let (_directory, ours, theirs) = two();
        let held = theirs.take().unwrap();
        assert!(busy::is_busy(&busy::hastily(|| ours.take().map(drop)).unwrap_err()));
        drop(held);
        assert!(busy::hastily(|| ours.take().unwrap().0.is_some()));
    }

    #[test]
    fn where_no_file_can_be_made_nobody_waits_for_a_turn() {
        let directory = tempfile::tempdir().unwrap();
        let turns = Turns::beside(&directory.path().join("missing/jobs.db"));
        assert!(turns.take().unwrap().0.is_none());
        assert!(turns.are_taken(), "it is not tried again");
    }
}
