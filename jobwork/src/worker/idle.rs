use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::report::StopReason;
use super::supervisor::Order;

/// Lets fetchers agree that there is nothing left to do.
///
/// Each claim that finds something begins a new round. A fetcher votes for the round in which it found nothing; when
/// all have voted for the one that is still on, the worker stops.
#[derive(Debug)]
pub(crate) struct Idle {
    round: watch::Sender<u64>,
    /// The round in which each fetcher last found nothing.
    votes: Mutex<Vec<Option<u64>>>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Idle {
    pub(crate) fn new(voters: usize, orders: mpsc::UnboundedSender<Order>) -> Self {
        Self { round: watch::Sender::new(0), votes: Mutex::new(vec![None; voters]), orders }
    }

    /// Something was found.
    pub(crate) fn stir(&self) {
        self.round.send_modify(|round| *round += 1);
    }

    /// Waits until something is found that was not when `voter` voted. Cancel safe.
    pub(crate) async fn stirred(&self, voter: usize) {
        let voted = self.votes.lock().unwrap_or_else(PoisonError::into_inner)[voter];
        // The sender lives in self, so the wait can't fail.
        let _ = self.round.subscribe().wait_for(|round| Some(*round) != voted).await;
    }

    pub(crate) fn round(&self) -> u64 {
        *self.round.borrow()
    }

    /// Says that `voter` found nothing since `round` began; returns whether everybody says so.
    pub(crate) fn vote(&self, voter: usize, round: u64) -> bool {
        let mut votes = self.votes.lock().unwrap_or_else(PoisonError::into_inner);
        votes[voter] = Some(round);
        let agreed = self.round() == round && votes.iter().all(|vote| *vote == Some(round));
        if agreed {
            self.nothing_left();
        }
        agreed
    }

    /// Stops the worker.
    pub(crate) fn nothing_left(&self) {
        // Nobody listens any more when the worker stops already.
        let _ = self.orders.send(Order::Stop(StopReason::Empty));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_found_between_a_vote_and_the_wait_is_heard_of() {
        let idle = Idle::new(2, mpsc::unbounded_channel().0);
        let round = idle.round();
        idle.stir();
        assert!(!idle.vote(0, round));
        idle.stirred(0).await;
    }
}
