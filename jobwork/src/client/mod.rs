//! Putting jobs in, and asking after them: the client, the dispatch builders, the handles and chains.

mod batch;
mod batch_handle;
mod bulk;
mod chain;
mod control;
pub(crate) mod current;
mod dispatch;
mod handle;
#[cfg(feature = "cron")]
mod into_jobs;
mod jobs;
mod placement;
#[cfg(feature = "cron")]
mod schedules;
mod secrets;
mod size;
mod step;
pub(crate) mod transaction;
mod unique;

pub use self::batch::{Batch, BatchDispatch, IntoPart};
pub use self::batch_handle::BatchHandle;
#[cfg(feature = "cli")]
pub(crate) use self::bulk::Change;
pub use self::chain::{Chain, ChainDispatch, ChainHandle, NoInput, Takes};
pub use self::dispatch::{Dispatch, DispatchMany};
pub use self::handle::{JobHandle, WaitError};
#[cfg(feature = "cron")]
pub use self::into_jobs::IntoJobs;
pub use self::jobs::{DispatchHook, Jobs};
#[cfg(feature = "cli")]
pub(crate) use self::placement::{Due, Placement};
pub use self::step::{Feeds, Hole, HoledArgs, Nth, Single, Slot, Step, Value, holed};
