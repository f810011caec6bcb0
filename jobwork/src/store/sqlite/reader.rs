//! A few threads that read, so that looking at jobs keeps neither the writer nor the async threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{busy, open};
use crate::error::{Error, Result};

/// A long list keeps one; the other still answers.
const THREADS: usize = 2;

type Task = Box<dyn FnOnce(&Connection) + Send>;

/// The sending side of the threads; dropping it ends them.
#[derive(Debug)]
pub(super) struct Reader {
    tasks: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl Reader {
    /// Starts the threads on a file that exists.
    pub(super) fn start(path: &Path) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = (0..THREADS).map(|_| {
            let (path, receiver) = (path.to_owned(), Arc::clone(&receiver));
            thread::Builder::new().name("jobwork-read".to_owned()).spawn(move || run(&path, &receiver))
        });
        Ok(Self { tasks: Some(sender), threads: threads.collect::<Result<_, _>>()? })
    }

    /// Calls `read` in one snapshot of the file.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        mut read: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let task = move |connection: &Connection| {
            let found = busy::patiently(|| snapshot(connection, &mut read));
            // Nobody is there when the future of the call was dropped.
            let _ = caller.send(found.map_err(Error::store));
        };
        let sent = self.tasks.as_ref().map(|tasks| tasks.send(Box::new(task)));
        match sent {
            Some(Ok(())) => answer.await.unwrap_or_else(|_| Err(ended())),
            _ => Err(ended()),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.tasks = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn ended() -> Error {
    Error::store("the threads that read the job store's file have ended; is the file still there?")
}

fn snapshot<T>(
    connection: &Connection,
    read: &mut impl FnMut(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.unchecked_transaction()?;
    let found = read(connection)?;
    transaction.finish()?;
    Ok(found)
}

fn run(path: &Path, tasks: &Mutex<Receiver<Task>>) {
    let mut connection = None;
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        if connection.is_none() {
            connection = open::connect(path).map_err(|error| tracing::error!(%error, "can't read the job store")).ok();
        }
        // Without a connection the task is dropped, and its caller learns that.
        if let Some(connection) = &connection {
            // The others are still to be read.
            if catch_unwind(AssertUnwindSafe(|| task(connection))).is_err() {
                tracing::error!("a look at the job store panicked");
            }
        }
    }
}
