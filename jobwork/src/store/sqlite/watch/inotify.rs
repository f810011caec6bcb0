//! Being told by Linux that a file is written.

use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// Something that one thread sets, and another waits for.
#[derive(Debug)]
pub(super) struct Event(OwnedFd);

impl Event {
    /// Not set.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC)?))
    }

    pub(super) fn set(&self) {
        // It can't fail before it was set 2^64 times.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

/// What the kernel tells of one file: that it was written, once for each watch, so that a process with much to write is
/// not slowed down.
#[derive(Debug)]
pub(super) struct Kernel(OwnedFd);

impl Kernel {
    /// `None` when the user has too many of these, 128 by default.
    pub(super) fn new() -> Option<Self> {
        inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map(Self).ok()
    }

    /// Watches the file that this path leads to now, until it is written. False when there is none, or the user has
    /// too many watches.
    pub(super) fn watch(&self, file: &Path) -> bool {
        inotify::add_watch(&self.0, file, WatchFlags::MODIFY | WatchFlags::ONESHOT).is_ok()
    }

    /// Waits until the file is written, and returns whether it was since the last wait.
    pub(super) fn wait(&self, at_most: Duration, end: &Event) -> bool {
        let mut sources = [PollFd::new(&self.0, PollFlags::IN), PollFd::new(&end.0, PollFlags::IN)];
        // One that a signal has cut short is followed by a look, as any other.
        let _ = poll(&mut sources, Timespec::try_from(at_most).ok().as_ref());
        self.take()
    }

    /// Takes what was told, and returns whether that was a write. The end of each watch is told too.
    fn take(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 512];
        let mut told = Reader::new(&self.0, &mut buffer);
        let mut written = false;
        while let Ok(event) = told.next() {
            written |= event.events().contains(ReadFlags::MODIFY);
        }
        written
    }
}
