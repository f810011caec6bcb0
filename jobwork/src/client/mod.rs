//! Putting jobs in, and asking after them: the client, the dispatch builders, the handles and chains.

mod chain;
pub(crate) mod current;
mod dispatch;
mod handle;
mod jobs;
mod placement;
mod secrets;
mod step;

pub use self::chain::{Chain, ChainDispatch, ChainHandle, NoInput, Takes};
pub use self::dispatch::{Dispatch, DispatchMany};
pub use self::handle::{JobHandle, WaitError};
pub use self::jobs::{DispatchHook, Jobs};
pub use self::step::{Feeds, Hole, HoledArgs, Nth, Single, Slot, Step, Value, holed};
