//! The first step: decode and measure.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file::{self, Draft};
use crate::loudness::{Loudness, Meter};
use crate::wav::Wav;
use crate::{Decoder, Error, Stop, slug};

/// An episode on its way, between two steps: where its sound is, and how it measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audio {
    /// The file the episode came from.
    pub source: PathBuf,
    /// The file the last step made: decoded WAV after [`process`], MP3 after [`optimize`](crate::optimize).
    pub file: PathBuf,
    /// The title in the source's tags, or else its name made readable.
    pub title: String,
    /// How long it lasts, in seconds.
    pub seconds: f64,
    /// One for mono, two for stereo.
    pub channels: u16,
    /// Frames a second.
    pub rate: u32,
    /// The loudness of `file`, as measured.
    pub loudness: Loudness,
}

/// Decodes `source` into a WAV file in the folder `work` and measures its loudness.
///
/// # Errors
///
/// [`Error::Stopped`], [`Error::Silent`] if there is nothing to hear, [`Error::SameFile`], [`Error::TooLong`],
/// [`Error::Io`] and those of [`Decoder`].
pub fn process(source: &Path, work: &Path, stop: Stop<'_>) -> Result<Audio, Error> {
    let refused = |reason| Error::refused("measure", source, &reason);
    let mut decoder = Decoder::open(source)?;
    let (channels, rate) = (decoder.channels(), decoder.rate());
    let title = title(&decoder, source);
    let file = work.join(format!("{}.wav", slug(source)));
    file::spare(source, &file)?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::FileTooLarge => Error::TooLong { path: file.clone() },
        _ => Error::io("write", &file)(error),
    };
    let (draft, out) = Draft::create(&file)?;
    let mut wav = Wav::start(out, channels, rate).map_err(failed)?;
    let mut meter = Meter::new(channels, rate).map_err(refused)?;
    while let Some(block) = decoder.block(stop)? {
        meter.add(block).map_err(refused)?;
        wav.add(block).map_err(failed)?;
    }
    let loudness = meter.read().ok_or_else(|| Error::Silent { path: source.to_owned() })?;
    file::sync(wav.finish().map_err(failed)?, &file)?;
    draft.finish()?;
    let source = source.to_owned();
    Ok(Audio { source, file, title, seconds: meter.seconds(), channels, rate, loudness })
}

fn title(decoder: &Decoder, source: &Path) -> String {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let tagged = decoder.title().map(readable).filter(|title| !title.is_empty());
    tagged.unwrap_or_else(|| readable(&stem.replace(['-', '_'], " ")))
}

/// Without control characters: XML has no way to write most of them.
fn readable(title: &str) -> String {
    let printable: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}
