use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;

use super::app::Performer;
use crate::error::Result;
use crate::job::Finished;
use crate::store::memory::Memory;
use crate::store::{
    Batch, Beat, Claim, Control, InTransaction, Inspect, Notes, Push, Schedules, Settled, Signals, Store, Stored,
    Topic, Upkeep, Wakeups,
};

/// A memory store of one test. In inline mode, what is pushed is performed before the push returns.
#[derive(Debug, Default)]
pub(super) struct TestStore {
    memory: Memory,
    pub(super) inline: OnceLock<Weak<Performer>>,
}

#[async_trait]
impl Store for TestStore {
    fn name(&self) -> &'static str {
        self.memory.name()
    }

    async fn push(&self, push: Push) -> Result<Stored> {
        let stored = self.memory.push(push).await?;
        if let Some(performer) = self.inline.get().and_then(Weak::upgrade) {
            performer.drain().await?;
        }
        Ok(stored)
    }

    async fn claim(&self, claim: Claim) -> Result<Batch> {
        self.memory.claim(claim).await
    }

    async fn finish(&self, finished: Arc<[Finished]>) -> Result<Vec<Settled>> {
        self.memory.finish(finished).await
    }

    async fn beat(&self, beat: Beat) -> Result<Signals> {
        self.memory.beat(beat).await
    }

    fn wakeups(&self, topic: Topic) -> Wakeups {
        self.memory.wakeups(topic)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        self.memory.upkeep()
    }

    fn notes(&self) -> Option<&dyn Notes> {
        self.memory.notes()
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
