use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::SignedDuration;
use jobwork::store::Store;
use jobwork::{Clock, Jobs};

use super::book::Book;
use super::faulty::Faulty;
use super::hints::Hints;
use super::link::Link;
use super::weather::Sky;
use crate::history::History;

/// What everybody in a run shares.
#[derive(Debug)]
pub(super) struct World {
    /// The store as it is, without faults.
    pub(super) store: Arc<dyn Store>,
    pub(super) hints: Arc<Hints>,
    pub(super) sky: Arc<Sky>,
    pub(super) clock: Clock,
    pub(super) history: History,
    pub(super) book: Book,
    /// What workers hold their jobs by.
    pub(super) lease: Duration,
    pub(super) poison_after: u32,
}

impl World {
    /// A client of the store beyond a link of its own.
    pub(super) fn client(&self, mut rng: Rng) -> Jobs {
        let (clock, link) = (self.skewed(&mut rng), Link::new(Arc::clone(&self.sky), self.lease, rng));
        let faulty = Faulty::new(Arc::clone(&self.store), link, Arc::clone(&self.hints));
        Jobs::new(Arc::new(faulty)).with_clock(clock)
    }

    /// A clock that may be a little wrong.
    pub(super) fn skewed(&self, rng: &mut Rng) -> Clock {
        let wrong = if rng.bool() { SignedDuration::ZERO } else { SignedDuration::from_millis(rng.i64(-500..=500)) };
        let clock = self.clock.clone();
        Clock::from_fn(move || clock.now() + wrong)
    }

    /// A client that looks at the store as it is.
    pub(super) fn observer(&self) -> Jobs {
        Jobs::new(Arc::clone(&self.store)).with_clock(self.clock.clone())
    }
}
