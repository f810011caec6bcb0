//! Waiting for other processes: no caller ever sees that the file was locked.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode};

const SHORTEST: Duration = Duration::from_micros(200);
const LONGEST: Duration = Duration::from_millis(5);
/// About ten seconds of waiting.
const PATIENCE: i32 = 4_000;

thread_local! {
    /// Whether this thread is not to wait.
    static HASTY: Cell<bool> = const { Cell::new(false) };
}

/// Calls without waiting for anybody: the answer is that the file is locked, where it is.
pub(super) fn hastily<T>(call: impl FnOnce() -> T) -> T {
    /// Ends the haste, also when the call panics: the thread is not ours.
    struct Haste {
        before: bool,
    }
    impl Drop for Haste {
        fn drop(&mut self) {
            HASTY.set(self.before);
        }
    }
    let _haste = Haste { before: HASTY.replace(true) };
    call()
}

/// Whether this thread is not to wait.
pub(super) fn is_hasty() -> bool {
    HASTY.get()
}

/// What says that somebody else has the file locked.
pub(super) fn locked() -> Error {
    Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)
}

/// Makes a connection wait for locks as long as it takes.
// A function pointer, and `&mut`: what the oldest and the newest rusqlite of our range both accept.
pub(super) fn be_patient(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait as fn(i32) -> bool))
}

/// Calls until the answer is not that the file is locked: some locks are reported without asking the busy handler.
pub(super) fn patiently<T>(mut call: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let mut tries = 0;
    loop {
        match call() {
            Err(error) if is_busy(&error) && wait(tries) => {}
            answer => return answer,
        }
        tries = tries.saturating_add(1);
    }
}

/// Whether somebody else has the file locked.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

/// Waits, unless this thread must not.
fn wait(tries: i32) -> bool {
    if is_hasty() {
        return false;
    }
    if tries > 0 && tries % PATIENCE == 0 {
        tracing::warn!("still waiting for the job store's file, which another process keeps locked");
    }
    thread::sleep(pause(tries));
    true
}

/// Grows from the shortest to the longest pause, with jitter, so that waiters don't move in step.
fn pause(tries: i32) -> Duration {
    let grown = SHORTEST.saturating_mul(1 << tries.clamp(0, 5)).min(LONGEST);
    let random = RandomState::new().build_hasher().finish();
    let jitter = (random % 1_000) as u32;
    SHORTEST + (grown - SHORTEST) * jitter / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_stays_between_the_shortest_and_the_longest() {
        for tries in [0, 1, 7, i32::MAX] {
            let pause = pause(tries);
            assert!((SHORTEST..=LONGEST).contains(&pause), "{tries}: {pause:?}");
        }
    }

    #[test]
    fn who_is_in_haste_waits_for_no_lock() {
        let twice = || hastily(|| (hastily(|| ()), patiently(|| Err::<(), _>(locked()))).1);
        assert!(is_busy(&twice().unwrap_err()));
        assert!(wait(0));
    }

    #[test]
    fn a_lock_is_waited_for_and_other_errors_are_not() {
        let locked = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY_SNAPSHOT);
        let mut answers = vec![Ok(7), Err(Error::SqliteFailure(locked, None)), Err(Error::SqliteFailure(locked, None))];
        assert_eq!(patiently(|| answers.pop().unwrap()), Ok(7));
        assert_eq!(patiently(|| Err::<(), _>(Error::InvalidQuery)), Err(Error::InvalidQuery));
    }
}
