//! Calls on their way to the thread that writes.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;

use super::at_hand::AtHand;
use super::busy;
use super::db::Db;
use crate::error::{Error, Result};
use crate::job::Finished;

/// In which order calls that wait at the same time are made. New jobs come right before claims, so that they can be handed out
/// without having been ready for anybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Other,
    Push,
    Claim,
}

/// A call. It may be asked twice: when a call that shared its transaction failed.
pub(super) trait Task: Send {
    fn rank(&self) -> Rank {
        Rank::Other
    }

    /// Whether the call is answered by what reading alone finds.
    fn look(&mut self, db: &Db) -> bool;
    fn work(&mut self, db: &Db) -> rusqlite::Result<()>;
    fn reply(self: Box<Self>, failed: Option<rusqlite::Error>);
}

/// A call whose answer somebody waits for.
pub(super) struct Call<T, L, W> {
    pub(super) rank: Rank,
    pub(super) look: L,
    pub(super) work: W,
    pub(super) answer: Option<T>,
    /// Is told of the answer before anything else is written.
    pub(super) told: Option<Told<T>>,
    pub(super) caller: oneshot::Sender<Result<T>>,
}

pub(super) type Told<T> = Box<dyn FnOnce(&T) + Send>;

impl<T, L, W> Task for Call<T, L, W>
where
    T: Send,
    L: FnMut(&Db) -> rusqlite::Result<Option<T>> + Send,
    W: FnMut(&Db) -> rusqlite::Result<T> + Send,
{
    fn rank(&self) -> Rank {
        self.rank
    }

    fn look(&mut self, db: &Db) -> bool {
        // An error while looking is left to the transaction, which meets it again and reports it.
        self.answer = busy::patiently(|| (self.look)(db)).unwrap_or_default();
        self.answer.is_some()
    }

    fn work(&mut self, db: &Db) -> rusqlite::Result<()> {
        self.answer = Some((self.work)(db)?);
        Ok(())
    }

    fn reply(self: Box<Self>, failed: Option<rusqlite::Error>) {
        let answer = match (failed, self.answer) {
            (None, Some(answer)) => {
                self.told.into_iter().for_each(|told| told(&answer));
                Ok(answer)
            }
            (Some(error), _) => Err(Error::store(error)),
            (None, None) => Err(ended()),
        };
        // Nobody is there when the future of the call was dropped.
        let _ = self.caller.send(answer);
    }
}

/// Nobody waits for the answer: somebody committed, and the thread finds out whether it was another connection.
struct NoticeOthers;

impl Task for NoticeOthers {
    fn look(&mut self, db: &Db) -> bool {
        // A failure here is a hint that was missed, and polling suffices.
        busy::patiently(|| db.notice_others()).is_ok()
    }

    fn work(&mut self, db: &Db) -> rusqlite::Result<()> {
        db.notice_others()
    }

    fn reply(self: Box<Self>, _failed: Option<rusqlite::Error>) {}
}

/// Nobody waits for the answer: jobs that were handed over come back.
struct GiveBack(Vec<Finished>);

impl Task for GiveBack {
    fn look(&mut self, _db: &Db) -> bool {
        false
    }

    /// Written now, or by the first transaction that can.
    fn work(&mut self, db: &Db) -> rusqlite::Result<()> {
        db.unstarted.borrow_mut().append(&mut self.0);
        db.give_back()
    }

    fn reply(self: Box<Self>, failed: Option<rusqlite::Error>) {
        if let Some(error) = failed {
            tracing::error!(%error, "can't give jobs back that were claimed and have not started; trying again");
        }
    }
}

/// A way to hand the thread something.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    sender: Sender<Box<dyn Task>>,
    at_hand: Arc<AtHand>,
}

impl Tasks {
    pub(super) fn new(sender: Sender<Box<dyn Task>>, at_hand: Arc<AtHand>) -> Self {
        Self { sender, at_hand }
    }

    /// Says whether the writer is there to take it.
    pub(super) fn send(&self, task: impl Task + 'static) -> bool {
        self.at_hand.sends();
        self.sender.send(Box::new(task)).is_ok()
    }

    /// Asks to look whether other connections have committed, unless the writer is gone.
    pub(super) fn notice_others(&self) {
        self.send(NoticeOthers);
    }

    /// Gives back jobs that were claimed for a worker that does not take them. Where the thread has ended, its worker has
    /// too.
    pub(super) fn give_back(&self, jobs: Vec<Finished>) {
        self.send(GiveBack(jobs));
    }
}

pub(super) fn ended() -> Error {
    Error::store("the thread that writes the job store's file has ended")
}
