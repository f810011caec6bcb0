use tokio::sync::watch;

/// What a wake-up is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A job may have become ready.
    Ready,
    /// A job may have become final.
    Settled,
    /// A worker may have been told something.
    Signals,
}

/// The receiving end of a store's hints.
///
/// Cancel safe: a wake-up that came while nobody waited is seen by the next wait.
#[derive(Clone, Debug)]
pub struct Wakeups(Option<watch::Receiver<u64>>);

impl Wakeups {
    /// Hints that never come, for a store that has none.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    /// Forgets the hints that came so far: call it before looking, and no change after the look goes unnoticed.
    pub fn forget(&mut self) {
        if let Some(receiver) = &mut self.0 {
            receiver.mark_unchanged();
        }
    }

    /// Waits until something may have changed since the last wait.
    pub async fn changed(&mut self) {
        let woken = match &mut self.0 {
            Some(receiver) => receiver.changed().await.is_ok(),
            None => false,
        };
        if !woken {
            // The store is gone or gives no hints: its users fall back to polling.
            std::future::pending::<()>().await;
        }
    }
}

/// The sending end: one channel a topic, for stores to keep.
#[derive(Debug, Default)]
pub struct Waker {
    ready: watch::Sender<u64>,
    settled: watch::Sender<u64>,
    signals: watch::Sender<u64>,
}

impl Waker {
    fn topic(&self, topic: Topic) -> &watch::Sender<u64> {
        match topic {
            Topic::Ready => &self.ready,
            Topic::Settled => &self.settled,
            Topic::Signals => &self.signals,
        }
    }

    /// Wakes whoever waits for this.
    pub fn wake(&self, topic: Topic) {
        self.topic(topic).send_modify(|count| *count += 1);
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        for topic in [Topic::Ready, Topic::Settled, Topic::Signals] {
            self.wake(topic);
        }
    }

    /// Hints from now on.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> Wakeups {
        Wakeups(Some(self.topic(topic).subscribe()))
    }

    /// How many listen to this.
    #[must_use]
    pub fn listeners(&self, topic: Topic) -> usize {
        self.topic(topic).receiver_count()
    }

    /// Whether anybody listens to anything.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        [&self.ready, &self.settled, &self.signals].into_iter().any(|topic| topic.receiver_count() > 0)
    }
}
