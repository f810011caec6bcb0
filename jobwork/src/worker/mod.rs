//! Taking jobs out and performing them: the app, the worker it becomes, and how that stops.

mod app;
mod attempt;
mod buffer;
mod by_id;
mod chance;
mod classify;
#[cfg(feature = "cli")]
mod command;
mod config;
mod crowd;
mod failure;
mod fetcher;
mod handle;
mod health;
mod heartbeat;
mod identity;
mod idle;
mod into_app;
mod judge;
mod noter;
mod pace;
mod pruner;
mod queues;
mod report;
mod rescuer;
mod runner;
mod running;
mod settings;
mod settler;
mod shared;
mod signals;
mod start;
#[cfg(feature = "testing")]
mod stepper;
mod supervisor;
#[cfg(feature = "cron")]
mod ticker;

pub use self::app::App;
#[cfg(feature = "cli")]
pub(crate) use self::command::OwnCommand;
pub use self::handle::WorkerHandle;
pub use self::into_app::IntoApp;
pub use self::queues::Queues;
pub use self::report::{StopReason, StopReport};
#[cfg(feature = "testing")]
pub(crate) use self::stepper::{Step, Stepper};
