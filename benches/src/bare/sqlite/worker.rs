//! A task per job, and one that tells the writer which are done.

use tokio::sync::mpsc;

use super::writer::Writer;
use crate::bare::job::{Job, perform};

/// Starts a worker that has so many jobs at a time.
pub(super) fn start(writer: Writer, mut jobs: mpsc::UnboundedReceiver<Vec<Job>>, at_once: usize) {
    let (done, ended) = mpsc::unbounded_channel();
    writer.want(at_once);
    tokio::spawn(settle(writer, ended, at_once));
    tokio::spawn(async move {
        while let Some(some) = jobs.recv().await {
            for job in some {
                let done = done.clone();
                tokio::spawn(async move {
                    perform(&job.args);
                    // The other end lives as long as there are jobs.
                    let _ = done.send(job.id);
                });
            }
        }
    });
}

/// Tells the writer of all that have ended since it was last told, and asks for as many more.
async fn settle(writer: Writer, mut ended: mpsc::UnboundedReceiver<i64>, at_once: usize) {
    let mut ids = Vec::new();
    while ended.recv_many(&mut ids, at_once).await > 0 {
        let count = ids.len();
        writer.end(std::mem::take(&mut ids));
        writer.want(count);
        tokio::task::yield_now().await;
    }
}
