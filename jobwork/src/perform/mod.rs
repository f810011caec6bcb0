//! How a job is performed: what a handler is given, what surrounds it, and how a worker finds it.

mod blocking;
mod cancel;
mod context;
#[cfg(feature = "cron")]
mod cron;
mod error_handler;
mod finish_in;
mod handler;
mod inject;
#[cfg(feature = "log")]
mod job_log;
mod middleware;
mod notebook;
mod notes;
mod panic;
mod registry;
mod returned;
#[cfg(feature = "tower")]
mod tower;
mod upgrade;

pub use self::blocking::blocking;
pub use self::cancel::{CancelReason, CancelSignal};
pub use self::context::JobContext;
#[cfg(feature = "cron")]
pub use self::cron::Cron;
pub use self::error_handler::{ErrorHandler, FailedJob, HandlerOutput, IntoErrorHandler, WhatNext};
pub use self::handler::{Handling, Kind, Perform};
pub use self::inject::{Inject, State, States};
#[cfg(feature = "log")]
pub use self::job_log::JobLog;
#[cfg(feature = "log")]
pub(crate) use self::job_log::{keep_up_to, span_of};
pub use self::middleware::{JobResult, Middleware, Next, Output};
pub(crate) use self::notebook::{Desk, HandedIn, Notebook, Written};
pub(crate) use self::panic::catch;
pub(crate) use self::registry::Handler;
#[cfg(feature = "testing")]
pub(crate) use self::registry::decode;
pub use self::registry::{ChainEntry, JobEntry, Registry};
pub use self::returned::JobReturn;
#[cfg(feature = "tower")]
pub use self::tower::{NextService, TowerLayer};
pub use self::upgrade::{Upgraded, Upgrades};
