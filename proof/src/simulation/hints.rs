use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jobwork::store::{Store, Topic, Waker, Wakeups};

use super::link::Link;
use super::standing::Standing;

/// Passes the store's hints on, to one listener after the other.
///
/// Those who listen to one channel are woken in an order that tokio draws by chance. So each has a channel of its own.
#[derive(Debug, Default)]
pub(super) struct Hints {
    listeners: Mutex<Vec<Listener>>,
    standing: Mutex<Vec<Standing>>,
}

#[derive(Debug)]
struct Listener {
    topic: Topic,
    waker: Waker,
    link: Arc<Link>,
}

impl Hints {
    /// Passes on what `store` hints at, for as long as the runtime lives.
    pub(super) fn of(store: &Arc<dyn Store>) -> Arc<Self> {
        let hints = Arc::new(Self::default());
        for topic in [Topic::Ready, Topic::Settled, Topic::Signals] {
            let (mut changes, hints) = (store.wakeups(topic), Arc::clone(&hints));
            tokio::spawn(async move {
                loop {
                    changes.changed().await;
                    if topic == Topic::Ready {
                        hints.hand_over().await;
                    }
                    hints.pass_on(topic);
                }
            });
        }
        hints
    }

    /// Lets claims that stand have what has become ready, before anybody hears of it.
    async fn hand_over(&self) {
        let standing = std::mem::take(&mut *self.standing());
        for claim in standing.into_iter().filter(|claim| !claim.is_over()) {
            if let Some(claim) = claim.serve().await {
                self.stand(claim);
            }
        }
    }

    fn standing(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a claim wait for what becomes ready.
    pub(super) fn stand(&self, standing: Standing) {
        self.standing().push(standing);
    }

    fn pass_on(&self, topic: Topic) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.waker.listeners(listener.topic) > 0);
        for listener in listeners.iter().filter(|listener| listener.topic == topic) {
            if listener.link.passes_hint() {
                listener.waker.wake(topic);
            }
        }
    }

    /// Hints from now on, as far as the link lets them through.
    pub(super) fn listen(&self, topic: Topic, link: Arc<Link>) -> Wakeups {
        let waker = Waker::default();
        let wakeups = waker.subscribe(topic);
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Listener { topic, waker, link });
        wakeups
    }
}
