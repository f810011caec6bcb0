//! Taking jobs out and performing them: the app, the worker it becomes, and how that stops.

mod app;
mod attempt;
mod classify;
mod config;
mod fetcher;
mod handle;
mod health;
mod heartbeat;
mod identity;
mod idle;
mod judge;
mod report;
mod rescuer;
mod running;
mod settler;
mod shared;
mod signals;
mod start;
mod supervisor;

pub use self::app::App;
pub use self::handle::WorkerHandle;
pub use self::report::{StopReason, StopReport};
