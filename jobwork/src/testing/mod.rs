#![doc = include_str!("../../docs/testing.md")]

mod app;
mod dispatches;
mod drained;
mod faults;
mod store;
mod stored_form;

pub use self::app::TestApp;
pub use self::dispatches::{Expected, assert_dispatched, refute_dispatched};
pub use self::drained::Drained;
pub use self::stored_form::{assert_stored_form, check_stored_form};
