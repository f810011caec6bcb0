//! What a recording is made of.

use std::sync::Arc;

use super::line::Line;

/// Something that was asked of the disk, or a line about a call.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// A file was made.
    Create { name: Arc<str> },
    /// A file's name was removed.
    Remove { name: Arc<str> },
    /// A file was written.
    Write { name: Arc<str>, change: Change },
    /// A sync of a file has ended.
    Sync { name: Arc<str>, covers: usize },
    /// A sync of the folder has ended.
    SyncFolder { covers: usize },
    /// The program has written a line.
    Line(Line),
    /// Something that failed, or that a [`Fault`](super::Fault) took out.
    Nothing,
}

/// What was asked of a file's bytes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Bytes from this place on.
    Bytes { at: usize, bytes: Arc<[u8]> },
    /// Another length.
    Length(usize),
}
