//! Measures loudness to EBU R128.

use std::fmt;
use std::path::Path;

use ebur128::{EbuR128, Mode};
use serde::{Deserialize, Serialize};

use crate::{Decoder, Error, Stop};

/// How loud a file is, by EBU R128 (ITU-R BS.1770). A mono file is measured as its one channel, as meters do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated loudness of the whole, in LUFS.
    pub integrated_lufs: f64,
    /// Loudness range, in LU.
    pub range_lu: f64,
    /// The highest peak between samples too, in dB relative to full scale.
    pub true_peak_dbtp: f64,
}

impl fmt::Display for Loudness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { integrated_lufs, range_lu, true_peak_dbtp } = self;
        write!(f, "{integrated_lufs:.1} LUFS, range {range_lu:.1} LU, true peak {true_peak_dbtp:.1} dBTP")
    }
}

/// Measures blocks of audio as they pass by.
pub struct Meter {
    ebu: EbuR128,
    frames: u64,
}

impl Meter {
    /// Starts a meter for audio of so many channels and frames a second.
    ///
    /// # Errors
    ///
    /// Says why, if R128 is not defined for such audio.
    pub fn new(channels: u16, rate: u32) -> Result<Self, String> {
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let ebu = EbuR128::new(channels.into(), rate, mode).map_err(|error| error.to_string())?;
        Ok(Self { ebu, frames: 0 })
    }

    /// Measures the next interleaved frames.
    ///
    /// # Errors
    ///
    /// Says why, if the block is not of whole frames.
    pub fn add(&mut self, block: &[f32]) -> Result<(), String> {
        self.frames += block.len() as u64 / u64::from(self.ebu.channels());
        self.ebu.add_frames_f32(block).map_err(|error| error.to_string())
    }

    /// Seconds of audio measured so far.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.ebu.rate())
    }

    /// The loudness so far; `None` for silence, which has none.
    #[must_use]
    pub fn read(&self) -> Option<Loudness> {
        let integrated_lufs = self.ebu.loudness_global().ok()?;
        let range_lu = self.ebu.loudness_range().ok()?;
        let peaks = (0..self.ebu.channels()).map(|channel| self.ebu.true_peak(channel).unwrap_or(0.0));
        let true_peak_dbtp = 20.0 * peaks.fold(0.0, f64::max).log10();
        let loudness = Loudness { integrated_lufs, range_lu, true_peak_dbtp };
        [integrated_lufs, range_lu, true_peak_dbtp].iter().all(|figure| figure.is_finite()).then_some(loudness)
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("seconds", &self.seconds()).finish_non_exhaustive()
    }
}

/// Decodes the file to its end and measures it. Returns the loudness and the seconds it lasts.
///
/// # Errors
///
/// Those of [`Decoder`], [`Error::Silent`], [`Error::Stopped`].
pub fn measure(path: &Path, stop: Stop<'_>) -> Result<(Loudness, f64), Error> {
    let refused = |reason| Error::refused("measure", path, &reason);
    let mut decoder = Decoder::open(path)?;
    let mut meter = Meter::new(decoder.channels(), decoder.rate()).map_err(refused)?;
    while let Some(block) = decoder.block(stop)? {
        meter.add(block).map_err(refused)?;
    }
    let loudness = meter.read().ok_or_else(|| Error::Silent { path: path.to_owned() })?;
    Ok((loudness, meter.seconds()))
}
