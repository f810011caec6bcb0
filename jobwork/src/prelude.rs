//! What a program with jobs names most: `use jobwork::prelude::*;`.

pub use crate::client::{JobHandle, Jobs};
pub use crate::job::{Cancelled, Job, JobError};
pub use crate::perform::{
    CancelReason, CancelSignal, FailedJob, Inject, JobContext, JobResult, Middleware, Next, State,
};
pub use crate::worker::App;
#[cfg(feature = "macros")]
pub use jobwork_macros::{chain, job, named_chain};
