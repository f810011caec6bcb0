use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::shared::Shared;
use crate::error::Result;
use crate::job::Note;
use crate::perform::{HandedIn, JobContext, Written};
use crate::store::Settled;

/// What nobody waits for is gathered this long, so that a job may say something as often as it likes.
const GATHERED: Duration = Duration::from_millis(200);

/// The notes of so many jobs are written at once.
const BATCH: usize = 1_000;

/// The receiving end of a worker's desk.
#[derive(Debug)]
pub(crate) struct Slips {
    receiver: UnboundedReceiver<HandedIn>,
    gathered: Vec<HandedIn>,
}

pub(crate) fn channel() -> (UnboundedSender<HandedIn>, Slips) {
    let (sender, receiver) = unbounded_channel();
    (sender, Slips { receiver, gathered: Vec::new() })
}

impl Slips {
    /// Waits for the first job that has something to write, and then for as many more as come in time. Says whether there
    /// can be any.
    async fn gather(&mut self) -> bool {
        if self.receiver.recv_many(&mut self.gathered, BATCH).await == 0 {
            return false;
        }
        let over = tokio::time::sleep(GATHERED);
        tokio::pin!(over);
        while !self.gathered.iter().any(|slip| slip.urgent) && self.gathered.len() < BATCH {
            tokio::select! {
                biased;
                more = self.receiver.recv_many(&mut self.gathered, BATCH) => if more == 0 { break },
                () = &mut over => break,
            }
        }
        true
    }
}

impl Drop for Slips {
    /// The worker's end: a job that it left behind must not wait for ever.
    fn drop(&mut self) {
        self.receiver.close();
        while let Ok(slip) = self.receiver.try_recv() {
            self.gathered.push(slip);
        }
        self.gathered.iter().for_each(|slip| slip.job.job().notebook.abandon());
    }
}

/// Waits until all that a job said is written, so that nothing of it comes after its outcome; not longer than until the
/// worker's end waits for nobody.
pub(crate) async fn flush(shared: &Shared, job: &JobContext) {
    let Some(written) = job.job().notebook.flush(job) else { return };
    tokio::select! {
        biased;
        // What could not be written is logged by whoever tried.
        _ = written => {}
        () = shared.running.closing() => {}
    }
}

/// Writes what jobs say about themselves, as much at once as there is, until nobody can say any more.
pub(crate) async fn run(shared: Arc<Shared>, mut slips: Slips) {
    while slips.gather().await {
        write(&shared, slips.gathered.drain(..)).await;
    }
}

async fn write(shared: &Shared, slips: impl Iterator<Item = HandedIn>) {
    let mut notes = Vec::new();
    let mut callers = Vec::new();
    for job in slips.map(|slip| slip.job) {
        let empty = Note::new(job.job().claimed.lease);
        let (note, waiting) = job.job().notebook.take(empty.clone());
        if note == empty {
            waiting.into_iter().for_each(|caller| drop(caller.send(Written::Stored)));
        } else {
            notes.push(note);
            callers.push(waiting);
        }
    }
    if notes.is_empty() {
        return;
    }
    let written = store(shared, notes.into()).await;
    for (answer, waiting) in written.into_iter().zip(callers) {
        // Nobody is there when the job was dropped.
        waiting.into_iter().for_each(|caller| drop(caller.send(answer.clone())));
    }
}

/// What became of each note.
async fn store(shared: &Shared, notes: Arc<[Note]>) -> Vec<Written> {
    let count = notes.len();
    let settled: Result<Vec<Settled>> = match shared.store.notes() {
        Some(store) => store.note(notes).await,
        None => return vec![Written::Stored; count],
    };
    match settled {
        Ok(settled) => settled.into_iter().map(answer).collect(),
        Err(error) => {
            tracing::error!(%error, jobs = count, "can't write what jobs say about themselves");
            vec![Written::Failed(error.to_string()); count]
        }
    }
}

fn answer(settled: Settled) -> Written {
    match settled {
        Settled::Stored => Written::Stored,
        Settled::Lost => Written::Lost,
    }
}
