//! Generated sound as 16-bit WAV files.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use podcast::{Audio, optimize, process};

pub(crate) const RATE: u32 = 48_000;

pub(crate) fn never() -> bool {
    false
}

/// The recordings that ship with the example.
pub(crate) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("episodes")
}

/// Seconds of a sine of 997 Hz whose peaks reach `dbfs`.
pub(crate) fn sine(seconds: f64, dbfs: f64) -> Vec<f64> {
    let peak = 10_f64.powf(dbfs / 20.0);
    let frames = (seconds * f64::from(RATE)) as u32;
    (0..frames).map(|frame| peak * (TAU * 997.0 * f64::from(frame) / f64::from(RATE)).sin()).collect()
}

/// Seconds of noise below `dbfs`, the same at every call.
pub(crate) fn noise(seconds: f64, dbfs: f64) -> Vec<f64> {
    let peak = 10_f64.powf(dbfs / 20.0);
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    (0..(seconds * f64::from(RATE)) as u32).map(|_| peak * random()).collect()
}

/// Writes `sound` into every channel of a WAV file.
pub(crate) fn wav(path: &Path, sound: &[f64], channels: u16) -> PathBuf {
    let samples = sound.iter().flat_map(|sample| vec![(sample * 32767.0).round() as i16; channels.into()]);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let bytes = data.len() as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2 * u32::from(channels)).to_le_bytes());
    file.extend((2 * channels).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(data);
    fs::write(path, file).unwrap();
    path.to_owned()
}

/// The first two steps.
pub(crate) fn optimized(source: &Path, work: &Path) -> Audio {
    let audio = process(source, work, &never).unwrap();
    optimize(&audio, work, &never).unwrap()
}

/// The names in a folder and below, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.path().is_dir() {
            names.extend(self::names(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names.sort();
    names
}
