use std::time::Duration;

use tokio::time::Instant;

/// How fast jobs are begun, which says how many are worth claiming ahead.
#[derive(Debug)]
pub(crate) struct Pace {
    since: Instant,
    /// So many jobs had begun then.
    begun: u64,
    prefetch: usize,
}

impl Pace {
    /// Jobs are claimed ahead for this long.
    const AHEAD: Duration = Duration::from_millis(20);
    /// But never more than this.
    const MOST: usize = 1_000;

    /// Nothing is claimed ahead yet; so many jobs have begun before.
    pub(crate) fn new(begun: u64) -> Self {
        Self { since: Instant::now(), begun, prefetch: 0 }
    }

    /// So many jobs have begun by now.
    pub(crate) fn look(&mut self, begun: u64) {
        let elapsed = self.since.elapsed();
        if elapsed >= Self::AHEAD {
            let ahead = (begun - self.begun) as f64 * Self::AHEAD.as_secs_f64() / elapsed.as_secs_f64();
            // Less than one a moment is no stream: such jobs are claimed when there is a slot for them.
            let prefetch = (ahead as usize).min(Self::MOST);
            *self = Self { prefetch, ..Self::new(begun) };
        }
    }

    /// How many jobs begin in a moment.
    pub(crate) fn prefetch(&self) -> usize {
        self.prefetch
    }
}
