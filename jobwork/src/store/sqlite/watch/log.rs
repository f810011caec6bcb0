//! The log that every commit is written to before it counts.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::closed::Closed;
use super::kernel::Kernel;

/// How often the log's age is looked at where the kernel doesn't tell. The waking up is what costs.
const ASKED: Duration = Duration::from_millis(8);
/// No file system tells times apart less exactly that keeps them in whole seconds.
const COARSE: Duration = Duration::from_millis(2_500);
/// No other does: they keep what the system's clock showed at its last tick.
const FINE: Duration = Duration::from_millis(50);

/// The log of a database. Each watch finds it by its name, as it may have been deleted and made anew.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Whether the kernel is to be asked to tell.
    told: bool,
    kernel: Option<Kernel>,
    /// When it had been written last as the watch began, where the kernel doesn't tell.
    written: Option<SystemTime>,
}

impl Log {
    /// The log beside this database, of which the kernel tells if it can.
    pub(super) fn told(database: &Path) -> Self {
        let mut path: OsString = database.into();
        path.push("-wal");
        Self { path: path.into(), told: true, kernel: None, written: None }
    }

    /// The log beside this database, whose age is looked at, as on a system without a kernel that tells.
    #[cfg(test)]
    pub(super) fn untold(database: &Path) -> Self {
        Self { told: false, ..Self::told(database) }
    }

    /// Begins to watch, and returns whether a later write is sure to show: just after one, the log's age can't tell.
    pub(super) fn watch(&mut self) -> bool {
        // Each time anew, since what is lacking may have been freed.
        self.kernel = self.kernel.take().or_else(|| self.told.then(Kernel::new).flatten());
        if self.kernel.as_ref().is_some_and(|kernel| kernel.watch(&self.path)) {
            self.written = None;
            return true;
        }
        let long_ago = |written: &SystemTime| written.elapsed().is_ok_and(|age| age > coarseness(*written));
        self.written = self.age().filter(long_ago);
        self.written.is_some()
    }

    /// Waits until the log is written, and returns whether it was.
    pub(super) fn wait(&self, at_most: Duration, closed: &Closed) -> bool {
        match (&self.kernel, self.written) {
            (Some(kernel), None) => kernel.wait(at_most, &closed.event),
            _ => self.wait_to_age(at_most, closed),
        }
    }

    /// Lets go of what the kernel keeps for the watch.
    pub(super) fn release(&mut self) {
        self.kernel = None;
    }

    fn wait_to_age(&self, at_most: Duration, closed: &Closed) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < at_most && !closed.is_closed() {
            thread::park_timeout(ASKED.min(at_most));
            if self.age() != self.written {
                return true;
            }
        }
        false
    }

    /// When it was written last.
    fn age(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|log| log.modified()).ok()
    }
}

/// How far apart two writes must be for the times of the file to differ, by the look of one such time.
fn coarseness(written: SystemTime) -> Duration {
    let whole = written.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
    if whole { COARSE } else { FINE }
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
