//! What the tests of the folder `tests` share, and the programs that they start.

pub mod signalled;
