use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use jobwork::store::memory::Memory;
use jobwork::store::{
    Batch, Beat, BeatKind, Claim, Control, InTransaction, Inspect, Notes, Prune, Push, Rescue, Schedules, Settled,
    Signals, Store, Stored, Topic, Upkeep, Wakeups,
};
use jobwork::{Error, Finished, JobId, Note, Outcome, Result};
use tokio::sync::watch;

use crate::Events;

/// A call that a worker makes to its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `Store::push`
    Push,
    /// `Store::claim`
    Claim,
    /// `Store::finish`
    Finish,
    /// `Notes::note`
    Note,
    /// `Store::beat` of a worker that comes or lives.
    Beat,
    /// `Store::beat` of a worker that goes.
    Leave,
}

/// A memory store that writes down what is done with it, and can be made to fail and to hang.
#[derive(Debug, Default)]
pub struct Watched {
    memory: Memory,
    events: Events,
    failures: Mutex<HashMap<Verb, usize>>,
    lost_answers: Mutex<HashMap<Verb, usize>>,
    held: watch::Sender<Vec<Verb>>,
    held_answers: watch::Sender<Vec<Verb>>,
}

impl Watched {
    /// An empty store that writes to this log.
    #[must_use]
    pub fn new(events: Events) -> Self {
        Self { events, ..Self::default() }
    }

    /// The next `times` calls of this verb fail and change nothing; 0 ends a row of failures.
    pub fn fail(&self, verb: Verb, times: usize) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).insert(verb, times);
    }

    /// The next `times` calls of this verb take effect, and fail all the same.
    pub fn lose_answers(&self, verb: Verb, times: usize) {
        self.lost_answers.lock().unwrap_or_else(PoisonError::into_inner).insert(verb, times);
    }

    /// Calls of this verb hang, until they are let go.
    pub fn hold(&self, verb: Verb) {
        self.held.send_modify(|held| held.push(verb));
    }

    /// Calls of this verb take effect and hang then, until they are let go.
    pub fn hold_answers(&self, verb: Verb) {
        self.held_answers.send_modify(|held| held.push(verb));
    }

    /// Lets the calls of this verb go.
    pub fn let_go(&self, verb: Verb) {
        for held in [&self.held, &self.held_answers] {
            held.send_modify(|held| held.retain(|other| *other != verb));
        }
    }

    async fn pass(&self, held: &watch::Sender<Vec<Verb>>, verb: Verb) {
        if held.borrow().contains(&verb) {
            self.events.push(format!("{verb:?} hangs"));
            // The sender lives in self, so the wait can't fail.
            let _ = held.subscribe().wait_for(|held| !held.contains(&verb)).await;
        }
    }

    async fn enter(&self, verb: Verb) -> Result<()> {
        self.pass(&self.held, verb).await;
        self.fail_if_due(&self.failures, verb)
    }

    async fn leave(&self, verb: Verb) -> Result<()> {
        self.pass(&self.held_answers, verb).await;
        self.fail_if_due(&self.lost_answers, verb)
    }

    fn fail_if_due(&self, due: &Mutex<HashMap<Verb, usize>>, verb: Verb) -> Result<()> {
        let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
        match due.get_mut(&verb) {
            None | Some(0) => Ok(()),
            Some(left) => {
                *left -= 1;
                self.events.push(format!("{verb:?} fails"));
                Err(Error::store("the test pulled the plug"))
            }
        }
    }

    async fn name_of(&self, id: JobId, now: Timestamp) -> String {
        let record = match self.memory.inspect() {
            Some(inspect) => inspect.get(&[id], now).await.ok().and_then(|mut found| found.pop().flatten()),
            None => None,
        };
        record.map_or_else(|| "?".to_owned(), |record| record.name)
    }
}

#[async_trait]
impl Store for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        self.enter(Verb::Push).await?;
        self.events.push(format!("push {}", push.jobs.len()));
        let stored = self.memory.push(push).await?;
        self.leave(Verb::Push).await.map(|()| stored)
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        self.enter(Verb::Claim).await?;
        self.events.push("claim");
        let batch = self.memory.claim(claim).await?;
        batch.jobs.iter().for_each(|job| self.events.push(format!("claimed {}", job.name)));
        self.leave(Verb::Claim).await.map(|()| batch)
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        self.enter(Verb::Finish).await?;
        let settled = self.memory.finish(Arc::clone(&finished)).await?;
        for (finished, settled) in finished.iter().zip(&settled) {
            let name = self.name_of(finished.lease.job, finished.at).await;
            let word = match &finished.outcome {
                Outcome::Unstarted => "given back unstarted",
                outcome => outcome.word().unwrap_or("completed"),
            };
            let fenced = if *settled == Settled::Lost { "fenced " } else { "" };
            self.events.push(format!("{fenced}{name} {word}"));
        }
        self.leave(Verb::Finish).await.map(|()| settled)
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        let (word, verb) = match beat.kind {
            BeatKind::Join => ("join", Verb::Beat),
            BeatKind::Live => ("beat", Verb::Beat),
            BeatKind::Leave => ("leave", Verb::Leave),
        };
        self.enter(verb).await?;
        self.events.push(word);
        let heard = self.memory.beat(beat).await?;
        self.leave(verb).await.map(|()| heard)
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        self.memory.wakeups(topic)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }

    fn notes(&self) -> Option<&dyn Notes> {
        Some(self)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.memory.inspect()
    }

    fn schedules(&self) -> Option<&dyn Schedules> {
        self.memory.schedules()
    }

    fn control(&self) -> Option<&dyn Control> {
        self.memory.control()
    }

    fn in_transaction(&self) -> Option<InTransaction<'_>> {
        self.memory.in_transaction()
    }
}

#[async_trait]
impl Notes for Watched {
    async fn note(&self, notes: Arc<[Note]>) -> Result<Vec<Settled>> {
        self.enter(Verb::Note).await?;
        self.events.push(format!("note {}", notes.len()));
        let settled = self.memory.note(notes).await?;
        self.leave(Verb::Note).await.map(|()| settled)
    }
}

#[async_trait]
impl Upkeep for Watched {
    async fn rescue(&self, rescue: Rescue) -> Result<Vec<JobId>> {
        let rescued = self.memory.rescue(rescue).await?;
        rescued.iter().for_each(|_| self.events.push("rescued"));
        Ok(rescued)
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.memory.expire(now, limit).await
    }
    async fn prune(&self, prune: Prune) -> Result<usize> {
        let pruned = self.memory.prune(prune).await?;
        if pruned > 0 {
            self.events.push(format!("pruned {pruned}"));
        }
        Ok(pruned)
    }
}
