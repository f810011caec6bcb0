//! Not public API. Used by generated code.

pub use std::sync::Arc;
pub use std::time::Duration;
pub use std::vec::Vec;

#[cfg(feature = "inventory")]
pub use inventory;
pub use serde;
pub use serde_json::Result as JsonResult;

#[cfg(feature = "cli")]
pub use crate::cli::{answer, main, standalone};
pub use crate::client::{
    Chain, ChainDispatch, Dispatch, DispatchMany, Feeds, Hole, HoledArgs, Nth, Single, Slot, Step, Value, holed,
};
#[cfg(feature = "cron")]
pub use crate::job::Missed;
pub use crate::job::{
    Backoff, Flow, Job, JobError, JobOptions, JobState, Limit, LogLevel, NextValue, OnConflict, ReadFields, Unique,
    UniqueStates, WriteFields, read_fields, write_fields,
};
#[cfg(feature = "cron")]
pub use crate::perform::Cron;
pub use crate::perform::{
    ChainEntry, ErrorHandler, HandlerOutput, Handling, Inject, IntoErrorHandler, JobContext, JobEntry, JobReturn, Kind,
    Perform, States, Upgrades, blocking,
};
#[cfg(all(feature = "macros", not(feature = "cli")))]
pub use crate::plain_main::main;
pub use crate::store::check_url;
pub use crate::submit;
pub use crate::worker::IntoApp;

/// The types of state that are missing, of all that are injected into a job.
#[must_use]
pub fn missing<const N: usize>(answers: [Option<&'static str>; N]) -> Vec<&'static str> {
    answers.into_iter().flatten().collect()
}

/// The states of a list that the macro has found to be without a gap.
#[must_use]
pub const fn unique_states(states: &[JobState]) -> UniqueStates {
    match UniqueStates::of(states) {
        Some(states) => states,
        None => panic!("the states of a unique job leave a gap"),
    }
}

/// Puts an entry into the registry, where there is one that fills itself.
#[cfg(feature = "inventory")]
#[doc(hidden)]
#[macro_export]
macro_rules! submit {
    ($entry:expr) => {
        $crate::__private::inventory::submit! { $entry }
    };
}

/// Without the `inventory` feature jobs are registered by hand.
#[cfg(not(feature = "inventory"))]
#[doc(hidden)]
#[macro_export]
macro_rules! submit {
    ($entry:expr) => {};
}
