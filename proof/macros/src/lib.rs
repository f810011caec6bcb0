//! The macros of jobwork, as functions of token streams.
//!
//! A crate of macros exports nothing else than macros, and those can be called by the compiler only. So the files of `jobwork-macros` are
//! compiled once more, under other functions than its own four: outside of the compiler, `proc_macro2` brings its own tokens.

#[path = "../../../jobwork-macros/src/chain.rs"]
mod chain;
#[path = "../../../jobwork-macros/src/debug.rs"]
mod debug;
#[path = "../../../jobwork-macros/src/diag.rs"]
mod diag;
#[path = "../../../jobwork-macros/src/entry.rs"]
mod entry;
#[cfg(feature = "cron")]
#[path = "../../../jobwork-macros/src/every.rs"]
mod every;
#[path = "../../../jobwork-macros/src/function.rs"]
mod function;
#[path = "../../../jobwork-macros/src/job/mod.rs"]
mod job;
#[path = "../../../jobwork-macros/src/keys.rs"]
mod keys;
#[path = "../../../jobwork-macros/src/krate.rs"]
mod krate;
#[path = "../../../jobwork-macros/src/named_chain.rs"]
mod named_chain;
#[path = "../../../jobwork-macros/src/names.rs"]
mod names;
#[path = "../../../jobwork-macros/src/schedule.rs"]
mod schedule;
#[path = "../../../jobwork-macros/src/value.rs"]
mod value;

use proc_macro2::TokenStream;

/// What `#[job(args)]` makes of an item.
#[must_use]
pub fn job(args: TokenStream, item: TokenStream) -> TokenStream {
    job::expand(args, item)
}

/// What `chain![input]` becomes.
#[must_use]
pub fn chain(input: TokenStream) -> TokenStream {
    chain::expand(input)
}

/// What `#[named_chain(args)]` makes of an item.
#[must_use]
pub fn named_chain(args: TokenStream, item: TokenStream) -> TokenStream {
    named_chain::expand(args, item)
}

/// What `#[jobwork::main(args)]` makes of an item.
#[must_use]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(args, item)
}
