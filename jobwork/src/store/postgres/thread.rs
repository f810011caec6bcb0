//! The thread on which connections are served: never one of the application's, which a job may block.

use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::failure::Failed;

/// A thread with a runtime of its own, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Thread {
    handle: Handle,
    /// Dropped to end it.
    _end: oneshot::Sender<()>,
}

impl Thread {
    pub(super) fn start() -> Result<Self, Failed> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failed::Ours(format!("can't start a runtime: {error}")))?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let serve = move || {
            // It ends with an error, since nothing is ever sent.
            let _ = runtime.block_on(ended);
        };
        let thread = thread::Builder::new().name("jobwork-postgres".to_owned()).spawn(serve);
        thread.map_err(|error| Failed::Ours(format!("can't start a thread: {error}")))?;
        Ok(Self { handle, _end: end })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}
