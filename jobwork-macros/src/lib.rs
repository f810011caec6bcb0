//! The macros of jobwork. Use them through the `jobwork` crate, which documents each.

mod chain;
mod debug;
mod diag;
mod entry;
#[cfg(feature = "cron")]
mod every;
mod function;
mod job;
mod keys;
mod krate;
mod named_chain;
mod names;
mod schedule;
mod value;

use proc_macro::TokenStream;

/// Makes a job of a function; documented in the `jobwork` crate.
#[proc_macro_attribute]
pub fn job(args: TokenStream, item: TokenStream) -> TokenStream {
    job::expand(args.into(), item.into()).into()
}

/// Links jobs, each to the output of the one before; documented in the `jobwork` crate.
#[proc_macro]
pub fn chain(input: TokenStream) -> TokenStream {
    chain::expand(input.into()).into()
}

/// Names a chain; documented in the `jobwork` crate.
#[proc_macro_attribute]
pub fn named_chain(args: TokenStream, item: TokenStream) -> TokenStream {
    named_chain::expand(args.into(), item.into()).into()
}

/// Makes the worker's main of a function that configures it; documented in the `jobwork` crate.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(args.into(), item.into()).into()
}
