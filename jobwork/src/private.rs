//! Not public API. Used by generated code.

pub use std::sync::Arc;
pub use std::time::Duration;
pub use std::vec::Vec;

#[cfg(feature = "inventory")]
pub use inventory;
pub use serde;

#[cfg(feature = "cli")]
pub use crate::cli::{main, standalone};
pub use crate::client::{
    Chain, ChainDispatch, Dispatch, DispatchMany, Feeds, Hole, HoledArgs, Nth, Single, Slot, Step, Value, holed,
};
pub use crate::job::{
    Backoff, Job, JobError, JobOptions, NextValue, ReadFields, WriteFields, read_fields, write_fields,
};
pub use crate::perform::{
    ChainEntry, ErrorHandler, HandlerOutput, Handling, Inject, IntoErrorHandler, JobContext, JobEntry, JobReturn, Kind,
    Perform, States, Upgrades, blocking,
};
#[cfg(all(feature = "macros", not(feature = "cli")))]
pub use crate::plain_main::main;
pub use crate::submit;
pub use crate::worker::IntoApp;

/// The types of state that are missing, of all that are injected into a job.
#[must_use]
pub fn missing<const N: usize>(answers: [Option<&'static str>; N]) -> Vec<&'static str> {
    answers.into_iter().flatten().collect()
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
