//! The end of the watching, as its thread learns of it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::kernel::Event;

/// Whether the watching is over.
#[derive(Debug)]
pub(super) struct Closed {
    flag: AtomicBool,
    /// Set when it is over, which ends a wait for the kernel.
    pub(super) event: Event,
}

impl Closed {
    /// It is not over.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { flag: AtomicBool::new(false), event: Event::new()? })
    }

    pub(super) fn close(&self) {
        self.flag.store(true, Ordering::Release);
        self.event.set();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }
}
