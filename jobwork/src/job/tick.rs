//! How a job knows the schedule and the tick that made it: by two of its tags, which can be searched for.

use jiff::Timestamp;

#[cfg(feature = "cron")]
use super::NewJob;

#[cfg(feature = "cron")]
const SCHEDULE: &str = "cron:";
const TICK: &str = "tick:";

#[cfg(feature = "cron")]
impl NewJob {
    /// Marks a job that a schedule makes. It is due at the tick, unless it is due at another time anyway or waits for one that is.
    pub(crate) fn mark_tick(&mut self, schedule: &str, tick: Timestamp) {
        self.tags.push(format!("{SCHEDULE}{schedule}"));
        self.tags.push(format!("{TICK}{tick}"));
        if self.waits.is_empty() {
            self.run_at.get_or_insert(tick);
        }
    }
}

/// The tick that a job with these tags was made for.
pub(crate) fn tick(tags: &[String]) -> Option<Timestamp> {
    tags.iter().find_map(|tag| tag.strip_prefix(TICK)?.parse().ok())
}
