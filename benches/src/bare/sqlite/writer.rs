//! The thread that owns the connection: all that waits when it comes round shares one commit.

use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result};
use tokio::sync::{mpsc as channel, oneshot};

use super::store::{READY, RUNNING, Store};
use crate::bare::job::Job;

/// So many calls share a commit at most.
const MOST: usize = 4_096;

/// What the thread is asked to do.
enum Call {
    Store(Vec<u8>, oneshot::Sender<()>),
    StoreMany(Vec<Vec<u8>>, oneshot::Sender<()>),
    /// The worker has room for so many jobs more.
    Want(usize),
    End(Vec<i64>),
    OpenJobs(oneshot::Sender<u64>),
}

/// A handle of the thread.
#[derive(Clone, Debug)]
pub(super) struct Writer(mpsc::Sender<Call>);

impl Writer {
    /// Starts the thread, which hands jobs to `out` as they are wanted. `hands_over` says whether a job that is stored while
    /// one is wanted goes there at once, in place of being claimed afterwards.
    pub(super) fn start(store: Store, out: channel::UnboundedSender<Vec<Job>>, hands_over: bool) -> Result<Self> {
        let (calls, waiting) = mpsc::channel();
        let mut thread = Thread { store, out, hands_over, wanted: 0, open: 0, maybe_ready: false };
        let run = move || {
            if let Err(error) = thread.run(&waiting) {
                crate::problems::note(format!("the bare writer has ended: {error}"));
            }
        };
        thread::Builder::new().name("bare-writer".to_owned()).spawn(run)?;
        Ok(Self(calls))
    }

    pub(super) async fn store(&self, args: Vec<u8>) -> Result<()> {
        self.ask(|answer| Call::Store(args, answer)).await
    }

    pub(super) async fn store_many(&self, args: Vec<Vec<u8>>) -> Result<()> {
        self.ask(|answer| Call::StoreMany(args, answer)).await
    }

    /// How many jobs have not ended, after all calls before this one are committed.
    pub(super) async fn open_jobs(&self) -> Result<u64> {
        self.ask(Call::OpenJobs).await
    }

    pub(super) fn want(&self, jobs: usize) {
        self.call(Call::Want(jobs));
    }

    pub(super) fn end(&self, ids: Vec<i64>) {
        self.call(Call::End(ids));
    }

    async fn ask<T>(&self, call: impl FnOnce(oneshot::Sender<T>) -> Call) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.call(call(answer));
        answered.await.context("the bare writer has ended")
    }

    fn call(&self, call: Call) {
        // A thread that has ended has said why; whoever waits for an answer learns it.
        let _ = self.0.send(call);
    }
}

struct Thread {
    store: Store,
    out: channel::UnboundedSender<Vec<Job>>,
    hands_over: bool,
    wanted: usize,
    open: u64,
    /// Whether the table may have ready jobs.
    maybe_ready: bool,
}

impl Thread {
    fn run(&mut self, waiting: &mpsc::Receiver<Call>) -> rusqlite::Result<()> {
        while let Ok(first) = waiting.recv() {
            let mut calls = vec![first];
            calls.extend(waiting.try_iter().take(MOST - 1));
            self.commit(calls)?;
        }
        Ok(())
    }

    fn commit(&mut self, calls: Vec<Call>) -> rusqlite::Result<()> {
        let (mut given, mut stored, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        self.store.begin()?;
        for call in calls {
            match call {
                Call::Store(args, answer) => {
                    given.extend(self.insert(args)?);
                    stored.push(answer);
                }
                Call::StoreMany(many, answer) => {
                    many.iter().try_for_each(|args| self.store.insert(args, READY).map(drop))?;
                    self.open += many.len() as u64;
                    self.maybe_ready = true;
                    stored.push(answer);
                }
                Call::Want(jobs) => self.wanted += jobs,
                Call::End(ids) => self.open -= self.store.end(&ids)? as u64,
                Call::OpenJobs(answer) => asked.push(answer),
            }
        }
        given.extend(self.claim()?);
        self.store.commit()?;
        if !given.is_empty() {
            // Without a worker nothing is wanted, so nothing is given.
            let _ = self.out.send(given);
        }
        // Whether anybody still waits for an answer makes no difference.
        for answer in stored {
            let _ = answer.send(());
        }
        for answer in asked {
            let _ = answer.send(self.open);
        }
        Ok(())
    }

    /// Stores a job; gives it back where it goes to the worker at once.
    fn insert(&mut self, args: Vec<u8>) -> rusqlite::Result<Option<Job>> {
        let at_once = self.hands_over && self.wanted > 0 && !self.maybe_ready;
        let id = self.store.insert(&args, if at_once { RUNNING } else { READY })?;
        self.open += 1;
        if !at_once {
            self.maybe_ready = true;
            return Ok(None);
        }
        self.wanted -= 1;
        Ok(Some(Job { id, args }))
    }

    fn claim(&mut self) -> rusqlite::Result<Vec<Job>> {
        if self.wanted == 0 || !self.maybe_ready {
            return Ok(Vec::new());
        }
        let jobs = self.store.claim(self.wanted)?;
        self.maybe_ready = jobs.len() == self.wanted;
        self.wanted -= jobs.len();
        Ok(jobs)
    }
}
