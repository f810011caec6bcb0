//! What the tests of the folder `tests` share: a log of events, a store that is watched and can fail, a bench to put a
//! worker on, the servers and the programs that they start.

mod bench;
mod events;
pub mod postgres;
pub mod signalled;
mod sound;
mod watched;

pub use self::bench::Bench;
pub use self::events::Events;
pub use self::sound::{Sound, Tables, Unsound};
pub use self::watched::{Verb, Watched};
