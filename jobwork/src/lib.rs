#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "cli")]
mod cli;
mod client;
mod clock;
mod error;
#[cfg(all(feature = "macros", feature = "inventory", feature = "cron"))]
pub mod flow_control {
    #![doc = include_str!("../docs/flow_control.md")]
}
mod job;
mod perform;
#[cfg(all(feature = "macros", not(feature = "cli")))]
mod plain_main;
pub mod prelude;
mod secret;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transaction {
    #![doc = include_str!("../docs/transactions.md")]
    pub use crate::client::transaction::{Answering, Transaction, Work};
}
mod worker;

#[cfg(feature = "cron")]
pub use self::client::IntoJobs;
pub use self::client::{
    Batch, BatchDispatch, BatchHandle, Chain, ChainDispatch, ChainHandle, Dispatch, DispatchHook, DispatchMany,
    IntoPart, JobHandle, Jobs, NoInput, Takes, WaitError,
};
pub use self::clock::Clock;
pub use self::error::{Error, Result};
pub use self::job::{
    Attempt, Backoff, BatchId, BatchPlace, BatchRecord, Cancelled, Claimed, DeadReason, Failure, FailureKind, Finished,
    Flow, Job, JobError, JobId, JobOptions, JobState, Lease, Limit, LimitRule, LogLevel, LogLine, Member, Membership,
    Missed, NewBatch, NewJob, Note, OnConflict, Outcome, Progress, Rate, Record, Unique, UniqueStates, Verdict, Wait,
    WorkerId,
};
#[cfg(feature = "cron")]
pub use self::job::{Schedule, ScheduleError};
#[cfg(feature = "cron")]
pub use self::perform::Cron;
#[cfg(feature = "log")]
pub use self::perform::JobLog;
pub use self::perform::{
    CancelReason, CancelSignal, ErrorHandler, FailedJob, Handling, Inject, IntoErrorHandler, JobContext, JobEntry,
    JobResult, Kind, Middleware, Next, Output, Perform, Registry, State, Upgraded, Upgrades, WhatNext,
};
#[cfg(feature = "tower")]
pub use self::perform::{NextService, TowerLayer};
#[cfg(feature = "encryption")]
pub use self::secret::Keyring;
pub use self::store::{Pause, QueueLimit, Target};
pub use self::worker::{App, Queues, StopReason, StopReport, WorkerHandle};
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/chain.md")]
pub use jobwork_macros::chain;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/job.md")]
pub use jobwork_macros::job;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/main.md")]
pub use jobwork_macros::main;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/named_chain.md")]
pub use jobwork_macros::named_chain;
