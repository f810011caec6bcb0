//! The macros of jobwork. Use them through the `jobwork` crate, which documents each.
