//! Stores and workers from which one guard was removed, to see that the checker notices.
//!
//! Each is a flaw in a store that is sound: what a worker sees of it is what it would see of a store, or do as a worker, without that guard. So
//! shipped code needs no seam for it.

mod claims_twice;
mod drops_outcomes;
mod flaw;
mod forgetful;
mod forgets_signals;
mod never_rescues;
mod releases_early;
mod rescue_costs;
mod runs_cancelled;
mod same_id;
mod store;
mod unfenced;
mod wrong_state;
mod wrong_value;

pub use self::claims_twice::ClaimsTwice;
pub use self::drops_outcomes::DropsOutcomes;
pub use self::flaw::Flaw;
pub use self::forgetful::Forgetful;
pub use self::forgets_signals::ForgetsSignals;
pub use self::never_rescues::NeverRescues;
pub use self::releases_early::ReleasesEarly;
pub use self::rescue_costs::RescueCostsAnAttempt;
pub use self::runs_cancelled::RunsCancelled;
pub use self::same_id::SameId;
pub use self::store::Broken;
pub use self::unfenced::Unfenced;
pub use self::wrong_state::WrongState;
pub use self::wrong_value::WrongValue;
