//! Evidence that no job is lost.
//!
//! Dispatchers, workers and whoever disturbs them write down what they do, in a [`history`]; the [`checker`] reads it
//! afterwards, and finds whatever breaks a sentence of the contract. The [`model`] is the protocol itself, every state of it.

pub mod bad_input;
pub mod broken;
pub mod chaos;
pub mod checker;
pub mod history;
pub mod load;
pub mod model;
pub mod power_loss;
mod recorded;
pub mod simulation;
pub mod workload;

pub use self::recorded::Recorded;
