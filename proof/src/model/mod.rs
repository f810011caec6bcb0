//! The protocol by which jobs are claimed, kept, finished and rescued, written down once and explored whole.
//!
//! A [`State`] is a store, the processes that work on its jobs, and what may still go wrong. An [`Action`] is a step that
//! one of them takes, or something that happens to it; each is as atomic as it is in jobwork, where a call of the store takes effect whole or
//! not at all. [`stateright`] takes every step from every state, so that what holds here holds whatever happens in whichever order, as long as
//! it happens to no more jobs and processes, and no more often, than the [`Scenario`] says.
//!
//! - [`store`](Store) is what the stores do, each call under its own guards; `jobwork/src/store/memory` is the same at length.
//! - [`process`](Process) is what a worker knows and does; `jobwork/src/worker` is the same at length.
//! - [`Law`] are the sentences of the contract, looked at in every step; [`Guard`] are what keeps them, each with the law that is broken by
//!   a twin of the protocol which lacks it.
//!
//! Time is left out: a lease may run out whenever its worker is dead or cut off, a retry is due at once, and whoever waits may
//! wait for any time. So are storage (5.1 is about what follows once a dispatch has returned `Ok`), handlers that a worker lacks (5.7), and
//! what is held open while a job runs (5.8).

mod action;
mod deed;
mod explore;
mod guard;
mod law;
mod process;
mod report;
mod scenario;
mod state;
mod store;

pub use self::action::Action;
pub use self::deed::Deed;
pub use self::explore::{Broken, Explored, POSSIBLE, Protocol, explore, explore_twin};
pub use self::guard::{Guard, TWINS, Twin};
pub use self::law::Law;
pub use self::process::{Life, Outcome, Process, Run};
pub use self::report::{show, show_twins};
pub use self::scenario::{Faults, Rules, SCENARIOS, Scenario};
pub use self::state::State;
pub use self::store::{Ending, Job, JobState, Lease, Store, Worker};
