//! Jobs that were handed to a worker which did not take them: they are ready again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::again::until_done;
use super::failure::Failed;
use super::finish;
use super::server::Server;
use crate::job::Finished;

/// Jobs on their way back.
#[derive(Debug, Default)]
pub(super) struct Unstarted {
    jobs: Mutex<Vec<Finished>>,
    /// How many there are, with those that are being written.
    open: AtomicUsize,
    writing: tokio::sync::Mutex<()>,
}

impl Unstarted {
    fn jobs(&self) -> MutexGuard<'_, Vec<Finished>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives these back as soon as that can be written.
    pub(super) fn give_back(&self, server: &Arc<Server>, jobs: Vec<Finished>) {
        self.open.fetch_add(jobs.len(), Ordering::SeqCst);
        self.jobs().extend(jobs);
        server.thread.handle().spawn(until_done(Arc::downgrade(server), "a job that nobody took", write_all));
    }

    /// Waits until what was given back before is written, or that has failed: a claim would miss it.
    pub(super) async fn written(&self, server: &Server) {
        if self.open.load(Ordering::SeqCst) > 0 {
            // Whoever gave them back goes on trying.
            let _ = self.write(server).await;
        }
    }

    async fn write(&self, server: &Server) -> Result<(), Failed> {
        let _turn = self.writing.lock().await;
        let mut jobs = Taken { unstarted: self, jobs: std::mem::take(&mut *self.jobs()) };
        finish::finish(server, &jobs.jobs).await?;
        self.open.fetch_sub(jobs.jobs.len(), Ordering::SeqCst);
        jobs.jobs.clear();
        Ok(())
    }
}

/// Jobs that are being written. Those that were not, in the end, wait again.
#[derive(Debug)]
struct Taken<'a> {
    unstarted: &'a Unstarted,
    jobs: Vec<Finished>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.unstarted.jobs().append(&mut self.jobs);
    }
}

async fn write_all(server: Arc<Server>) -> Result<(), Failed> {
    server.unstarted.write(&server).await
}
