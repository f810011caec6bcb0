use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::store::QueueCap;

/// How many jobs the worker has of those queues that it runs only so many of.
#[derive(Debug)]
pub(crate) struct Crowds {
    queues: Mutex<BTreeMap<String, Crowd>>,
    /// Held from when the caps of a claim are counted until what it brought is counted, so that two fetchers don't take
    /// one place twice.
    turn: tokio::sync::Mutex<()>,
    /// A queue that was full has room again. Each fetcher has a channel of its own: those who watch one are woken in an order that is
    /// drawn by chance.
    freed: Mutex<Vec<watch::Sender<()>>>,
}

#[derive(Clone, Copy, Debug)]
struct Crowd {
    most: usize,
    now: usize,
}

/// One job's place in its queue's crowd; dropping it makes room for another one.
#[derive(Debug)]
pub(crate) struct Place {
    crowds: Arc<Crowds>,
    queue: String,
}

/// The right to claim, while nobody else of this worker does.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _alone: Option<tokio::sync::MutexGuard<'a, ()>>,
    pub(crate) caps: Arc<[QueueCap]>,
}

impl Crowds {
    /// At most so many of each of these queues.
    pub(crate) fn new(most: &BTreeMap<String, usize>) -> Self {
        let queues = most.iter().map(|(queue, most)| (queue.clone(), Crowd { most: *most, now: 0 }));
        Self { queues: Mutex::new(queues.collect()), turn: tokio::sync::Mutex::default(), freed: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Crowd>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it counts the jobs of any queue.
    pub(crate) fn are_counted(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Waits for its turn to claim, and says how many are wanted of each queue.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        if !self.are_counted() {
            return Turn { _alone: None, caps: Arc::new([]) };
        }
        let alone = self.turn.lock().await;
        let room = |(queue, crowd): (&String, &Crowd)| QueueCap {
            queue: queue.clone(),
            jobs: crowd.most.saturating_sub(crowd.now),
        };
        let caps = self.lock().iter().map(room).collect();
        Turn { _alone: Some(alone), caps }
    }

    /// A job of this queue takes its place, where places are counted.
    pub(crate) fn enter(self: &Arc<Self>, queue: &str) -> Option<Place> {
        self.lock().get_mut(queue)?.now += 1;
        Some(Place { crowds: Arc::clone(self), queue: queue.to_owned() })
    }

    /// Tells when a queue that was full has room again.
    pub(crate) fn freed(&self) -> watch::Receiver<()> {
        let (sender, receiver) = watch::channel(());
        self.fetchers().push(sender);
        receiver
    }

    fn fetchers(&self) -> MutexGuard<'_, Vec<watch::Sender<()>>> {
        self.freed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = self.crowds.lock();
        let Some(crowd) = queues.get_mut(&self.queue) else { return };
        let was_full = crowd.now >= crowd.most;
        crowd.now -= 1;
        drop(queues);
        if was_full {
            self.crowds.fetchers().iter().for_each(|fetcher| fetcher.send_replace(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowds() -> Arc<Crowds> {
        Arc::new(Crowds::new(&BTreeMap::from([("mail".to_owned(), 2)])))
    }

    async fn room(crowds: &Crowds) -> usize {
        crowds.turn().await.caps[0].jobs
    }

    #[tokio::test]
    async fn a_place_is_taken_until_it_is_dropped() {
        let crowds = crowds();
        let one = crowds.enter("mail");
        assert_eq!((one.is_some(), room(&crowds).await), (true, 1));
        let two = crowds.enter("mail");
        assert_eq!(room(&crowds).await, 0);
        drop((one, two));
        assert_eq!(room(&crowds).await, 2);
        assert!(crowds.enter("other").is_none());
    }

    #[tokio::test]
    async fn room_is_told_of_when_there_was_none() {
        let crowds = crowds();
        let freed = crowds.freed();
        let (one, two) = (crowds.enter("mail"), crowds.enter("mail"));
        drop(one);
        assert!(freed.has_changed().unwrap());
        let freed = crowds.freed();
        drop(two);
        assert!(!freed.has_changed().unwrap());
    }

    #[tokio::test]
    async fn fetchers_take_turns_where_places_are_counted() {
        let (counted, free) = (crowds(), Crowds::new(&BTreeMap::new()));
        let held = (counted.turn().await, free.turn().await);
        assert!(counted.turn.try_lock().is_err());
        assert_eq!(free.turn().await.caps.len(), 0);
        drop(held);
        assert!(counted.turn.try_lock().is_ok());
    }
}
