//! The living hold a lock: a file beside the database, which the operating system unlocks when its process ends,
//! however it ends. So a dead worker is noticed long before its lease runs out.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::job::WorkerId;

/// The locks of one database file.
#[derive(Debug)]
pub(super) struct Locks {
    directory: PathBuf,
    /// The database's name and what every lock file's name goes on with.
    prefix: OsString,
    held: Mutex<HashMap<WorkerId, File>>,
}

/// What a worker's lock says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A process holds it: the worker may be alive.
    Held,
    /// Nobody holds it: the worker is dead.
    Free,
    /// It can't be asked, as with a file of another user's: only the lease can tell.
    Unknown,
}

impl Locks {
    pub(super) fn beside(database: &Path) -> Self {
        let mut prefix = database.file_name().unwrap_or_default().to_owned();
        prefix.push("-worker-");
        let directory = database.parent().unwrap_or(Path::new("")).to_owned();
        Self { directory, prefix, held: Mutex::default() }
    }

    fn path(&self, worker: WorkerId) -> PathBuf {
        let mut name = self.prefix.clone();
        name.push(format!("{worker}.lock"));
        self.directory.join(name)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<WorkerId, File>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a worker's lock, and says whether it could: a file system may have no locks.
    pub(super) fn hold(&self, worker: WorkerId) -> bool {
        let mut held = self.held();
        if held.contains_key(&worker) {
            return true;
        }
        match lock(&self.path(worker)) {
            Ok(file) => held.insert(worker, file).is_none(),
            Err(error) => {
                tracing::debug!(%error, "no lock for this worker: if it dies, only its lease will tell");
                false
            }
        }
    }

    /// Gives a worker's lock back, whoever held it.
    pub(super) fn release(&self, worker: WorkerId) {
        let held = self.held().remove(&worker);
        // Removed while still locked, so that nobody can mistake the file for a living worker's.
        remove(&self.path(worker));
        drop(held);
    }

    pub(super) fn state(&self, worker: WorkerId) -> State {
        if self.held().contains_key(&worker) {
            return State::Held;
        }
        state(&self.path(worker))
    }

    /// Removes the files of workers that died before they could join.
    pub(super) fn sweep(&self) {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let locks = files.filter(|file| self.is_lock(&file.file_name()));
        for path in locks.map(|file| file.path()).filter(|path| state(path) == State::Free) {
            remove(&path);
        }
    }

    fn is_lock(&self, name: &std::ffi::OsStr) -> bool {
        let (name, prefix) = (name.as_encoded_bytes(), self.prefix.as_encoded_bytes());
        name.starts_with(prefix) && name.ends_with(b".lock")
    }
}

/// Makes the file and locks it.
fn lock(path: &Path) -> Result<File> {
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.lock()?;
        // A sweep may have come between the two, and have removed the file that is locked now.
        if path.exists() {
            return Ok(file);
        }
    }
}

fn state(path: &Path) -> State {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => State::Free,
        Err(_) => State::Unknown,
        Ok(file) => match file.try_lock() {
            Ok(()) => State::Free,
            Err(TryLockError::WouldBlock) => State::Held,
            Err(TryLockError::Error(_)) => State::Unknown,
        },
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => tracing::debug!(%error, path = %path.display(), "a dead worker's lock file stays"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_its_holder_lets_go_or_ends() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("jobs.db");
        let (ours, theirs) = (Locks::beside(&database), Locks::beside(&database));
        let (leaving, dying) = (WorkerId::fresh(), WorkerId::fresh());
        assert!(theirs.hold(leaving) && theirs.hold(dying));
        assert_eq!((ours.state(leaving), ours.state(dying)), (State::Held, State::Held));
        theirs.release(leaving);
        assert_eq!((ours.state(leaving), ours.state(dying)), (State::Free, State::Held));
        drop(theirs);
        assert_eq!(ours.state(dying), State::Free);
    }

    #[test]
    fn a_sweep_removes_what_nobody_holds_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("jobs.db");
        fs::write(directory.path().join("jobs.db-worker-x.lock"), "").unwrap();
        fs::write(directory.path().join("other.db-worker-x.lock"), "").unwrap();
        let locks = Locks::beside(&database);
        let living = WorkerId::fresh();
        locks.hold(living);
        Locks::beside(&database).sweep();
        assert_eq!(locks.state(living), State::Held);
        assert!(!directory.path().join("jobs.db-worker-x.lock").exists());
        assert!(directory.path().join("other.db-worker-x.lock").exists());
    }
}
