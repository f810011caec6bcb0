//! What the processes of a run under chaos do: jobs of every kind, who dispatches them, and who performs them.

mod dispatcher;
mod jobs;
mod parent;
mod releases;
mod worker;

pub use self::dispatcher::{Dispatcher, ON_DEATH};
pub use self::releases::Release;
pub use self::worker::Worker;
