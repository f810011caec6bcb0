//! What can go wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::loudness::Loudness;
use crate::source::EXTENSIONS;

/// Why a step gave up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The step was asked to stop. Nothing is wrong with the input: run it again.
    #[error("stopped before the end, as asked")]
    Stopped,

    /// A path that was asked for is not there.
    #[error("{path} does not exist; give an audio file or a folder of them", path = path.display())]
    Missing {
        /// The path as it was given.
        path: PathBuf,
    },

    /// A folder holds nothing that can become an episode.
    #[error(
        "{folder} holds no audio file; expected at least one of {known}",
        folder = folder.display(), known = EXTENSIONS.join(", ")
    )]
    NoEpisodes {
        /// The folder that was searched, without its subfolders.
        folder: PathBuf,
    },

    /// A file was named whose extension is not that of a known audio format.
    #[error(
        "{path} is not an audio file by its extension; expected one of {known}",
        path = path.display(), known = EXTENSIONS.join(", ")
    )]
    Extension {
        /// The file as it was given.
        path: PathBuf,
    },

    /// Two files would become the same episode.
    #[error(
        "{first} and {second} would both be published as `{slug}`; rename one of them",
        first = first.display(), second = second.display()
    )]
    SameName {
        /// The first of the two in sorted order.
        first: PathBuf,
        /// The second.
        second: PathBuf,
        /// The name both would get.
        slug: String,
    },

    /// A step would write its result over the recording it was made from.
    #[error("the result would replace {path} itself; choose another folder for it", path = path.display())]
    SameFile {
        /// The recording.
        path: PathBuf,
    },

    /// The content is not audio that the decoder knows.
    #[error(
        "cannot decode {path}; expected a recording in WAV, FLAC, MP3, Ogg Vorbis or AAC",
        path = path.display()
    )]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: symphonia::core::errors::Error,
    },

    /// The file is a known container with no sound in it, or no frame of it.
    #[error("{path} holds no audio; expected at least one audio track with sound in it", path = path.display())]
    NoAudio {
        /// The file.
        path: PathBuf,
    },

    /// More of the file is broken than an episode can do without.
    #[error(
        "{path} is damaged: {lost} of {frames} frames cannot be decoded; get a fresh copy",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Frames that could not be decoded.
        lost: u64,
        /// Frames in all.
        frames: u64,
    },

    /// The audio is neither mono nor stereo, or changes format on the way.
    #[error("{path} has {what}; mix it down to one mono or stereo track first", path = path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },

    /// There is nothing to hear, so there is no loudness to normalise.
    #[error(
        "{path} is silent: no 0.4 s of it is louder than -70 LUFS; record it again or check the input level",
        path = path.display()
    )]
    Silent {
        /// The file.
        path: PathBuf,
    },

    /// The decoded audio does not fit a WAV file, which is limited to 4 GiB.
    #[error("{path} is too long: decoded it passes 4 GiB; split it into parts", path = path.display())]
    TooLong {
        /// The work file that would have been written.
        path: PathBuf,
    },

    /// Loudness and true peak could not both be met.
    #[error(
        "{path} cannot be brought to {target} LUFS below {ceiling} dBTP: the best pass reached \
         {lufs:.1} LUFS and {peak:.1} dBTP; compress its dynamics first",
        path = path.display(), target = crate::TARGET_LUFS, ceiling = crate::CEILING_DBTP,
        lufs = reached.integrated_lufs, peak = reached.true_peak_dbtp
    )]
    OutOfReach {
        /// The file.
        path: PathBuf,
        /// What the last pass measured.
        reached: Loudness,
    },

    /// The encoder or the loudness meter refuses this audio.
    #[error("cannot {action} {path}: {reason}", path = path.display())]
    Refused {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },

    /// The note kept beside a released episode cannot be read.
    #[error("{path} is not an episode note; delete it and release that episode again", path = path.display())]
    Note {
        /// The note.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },

    /// The disk said no.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn refused(action: &'static str, path: &Path, reason: &dyn ToString) -> Self {
        Self::Refused { action, path: path.to_owned(), reason: reason.to_string() }
    }
}
