use std::time::{Duration, Instant};

use rustix::process::Signal;

/// What is to be done later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// A process gets a signal, if it still lives: the one of this number.
    Signal(u32, Signal),
    /// The server starts again.
    StartServer,
    /// The disk gets room again.
    EmptyDisk,
    /// The disk can be written to again.
    WritableDisk,
    /// And so can the file.
    WritableFile,
}

/// What is to be done, and when.
#[derive(Debug, Default)]
pub(super) struct Agenda(Vec<(Instant, Later)>);

impl Agenda {
    /// Adds something.
    pub(super) fn add(&mut self, wait: Duration, later: Later) {
        self.0.push((Instant::now() + wait, later));
    }

    /// Whether such a thing is still to be done.
    pub(super) fn has(&self, later: Later) -> bool {
        self.0.iter().any(|(_, other)| *other == later)
    }

    /// Takes what is due, the earliest first.
    pub(super) fn due(&mut self) -> Vec<Later> {
        let now = Instant::now();
        self.take(|at| at <= now)
    }

    /// Takes everything, due or not, the earliest first.
    pub(super) fn all(&mut self) -> Vec<Later> {
        self.take(|_| true)
    }

    fn take(&mut self, wanted: impl Fn(Instant) -> bool) -> Vec<Later> {
        self.0.sort_by_key(|(at, _)| *at);
        self.0.extract_if(.., |(at, _)| wanted(*at)).map(|(_, later)| later).collect()
    }
}
