//! Audio files become a published podcast: three plain steps, [`process`], [`optimize`] and [`release`].
//!
//! Each step is synchronous and busy on one core. It takes and returns small values (paths and figures),
//! never samples, so that what one step returns can be stored and handed to the next. Each looks at its
//! [`Stop`] question every few thousand frames and gives up with [`Error::Stopped`]. Files appear whole or
//! not at all, and a step run again writes the same files.
//!
//! ```
//! use std::path::PathBuf;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! let (work, out) = (folder.join("work"), folder.join("public"));
//! let show = podcast::Show::new("news", "https://example.com/news");
//! let never = || false;
//! for source in podcast::find(&[PathBuf::from("episodes")])? {
//!     let audio = podcast::process(&source, &work, &never)?;
//!     let audio = podcast::optimize(&audio, &work, &never)?;
//!     podcast::release(&audio, &show, &out, &never)?;
//! }
//! # Ok::<(), podcast::Error>(())
//! ```

mod audio;
mod decode;
mod encode;
mod error;
mod feed;
mod file;
mod limit;
mod loudness;
mod source;
mod wav;
mod waveform;

pub use audio::{Audio, process};
pub use decode::Decoder;
pub use encode::{CEILING_DBTP, TARGET_LUFS, optimize};
pub use error::Error;
pub use feed::{Episode, Show, release};
pub use loudness::{Loudness, Meter, measure};
pub use source::{EXTENSIONS, find, slug};
pub use waveform::draw;

/// The question a long loop asks every few thousand frames: should I stop?
///
/// Answer `true` and the step returns [`Error::Stopped`], its half-written files removed.
pub type Stop<'a> = &'a dyn Fn() -> bool;
