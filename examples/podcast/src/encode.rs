//! The second step: bring to the target loudness and encode as MP3.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use mp3lame_encoder::{
    Bitrate, Builder, Encoder, FlushGap, InterleavedPcm, Mode, MonoPcm, Quality, max_required_buffer_size,
};

use crate::file::{self, Draft};
use crate::limit::{Peaks, Plan};
use crate::{Audio, Decoder, Error, Stop, loudness, slug};

/// The integrated loudness of an optimised episode, in LUFS, which podcast apps ask for.
pub const TARGET_LUFS: f64 = -16.0;
/// The true peak that an optimised episode never passes, in dBTP.
pub const CEILING_DBTP: f64 = -1.0;

/// How far from the target the measured result may be, in LU.
const TOLERANCE_LU: f64 = 0.2;
/// The encoder adds to peaks. The first pass leaves it this room, in dB; later passes know better.
const ROOM_DB: f64 = 0.5;
const PASSES: usize = 8;
/// Bytes of the last frames that an encoder may hold back.
const FLUSH_BYTES: usize = 7200;

/// Encodes what [`process`](crate::process) made as an MP3 file in the folder `work`, at [`TARGET_LUFS`] and below
/// [`CEILING_DBTP`]. Both are measured on the decoded result; if the encoder moved them, it encodes again.
///
/// Loud moments are turned down by a limiter that looks ahead, not clipped.
///
/// # Errors
///
/// [`Error::Stopped`], [`Error::OutOfReach`] if both figures cannot be met, [`Error::Refused`] for a sample rate
/// that MP3 has no answer to, [`Error::SameFile`], [`Error::Io`] and those of [`Decoder`].
pub fn optimize(audio: &Audio, work: &Path, stop: Stop<'_>) -> Result<Audio, Error> {
    let target = work.join(format!("{}.mp3", slug(&audio.source)));
    file::spare(&audio.source, &target)?;
    let peaks = Peaks::read(&audio.file, stop)?;
    let mut gain_db = TARGET_LUFS - audio.loudness.integrated_lufs;
    let mut ceiling_db = CEILING_DBTP - ROOM_DB;
    let mut reached = audio.loudness;
    for _ in 0..PASSES {
        let plan = peaks.plan(factor(gain_db), factor(ceiling_db));
        let (draft, out) = Draft::create(&target)?;
        encode(audio, &plan, out, stop)?;
        let (loudness, seconds) = loudness::measure(draft.path(), stop)?;
        let missing = TARGET_LUFS - loudness.integrated_lufs;
        let over = loudness.true_peak_dbtp - CEILING_DBTP;
        if missing.abs() <= TOLERANCE_LU && over <= 0.0 {
            let rate = Decoder::open(draft.path())?.rate();
            draft.finish()?;
            return Ok(Audio { file: target, seconds, rate, loudness, ..audio.clone() });
        }
        gain_db += missing;
        ceiling_db -= if over > 0.0 { over + 0.1 } else { 0.0 };
        reached = loudness;
    }
    Err(Error::OutOfReach { path: audio.source.clone(), reached })
}

fn encode(audio: &Audio, plan: &Plan, mut out: BufWriter<File>, stop: Stop<'_>) -> Result<(), Error> {
    let refused = |error: &dyn ToString| Error::refused("encode", &audio.file, error);
    let failed = || Error::io("write", &audio.file);
    let tag = title_tag(&audio.title);
    out.write_all(&tag).map_err(failed())?;
    let mut decoder = Decoder::open(&audio.file)?;
    let mut encoder = encoder(audio)?;
    let (mut frame, mut pcm, mut mp3) = (0, Vec::new(), Vec::new());
    while let Some(block) = decoder.block(stop)? {
        pcm.clear();
        pcm.extend_from_slice(block);
        plan.apply(&mut pcm, audio.channels, frame);
        frame += pcm.len() / usize::from(audio.channels);
        mp3.reserve(max_required_buffer_size(pcm.len()));
        let encoded = match audio.channels {
            1 => encoder.encode_to_vec(MonoPcm(&pcm), &mut mp3),
            _ => encoder.encode_to_vec(InterleavedPcm(&pcm), &mut mp3),
        };
        encoded.map_err(|error| refused(&error))?;
        out.write_all(&mp3).map_err(failed())?;
        mp3.clear();
    }
    mp3.reserve(FLUSH_BYTES);
    encoder.flush_to_vec::<FlushGap>(&mut mp3).map_err(|error| refused(&error))?;
    out.write_all(&mp3).map_err(failed())?;
    write_info(&encoder, &mut out, tag.len()).map_err(failed())?;
    file::sync(out, &audio.file)
}

fn encoder(audio: &Audio) -> Result<Encoder, Error> {
    let refused = |error| Error::refused("encode", &audio.file, &error);
    let (mode, bitrate) = match (audio.channels, audio.rate) {
        (1, ..=24_000) => (Mode::Mono, Bitrate::Kbps64),
        (1, _) => (Mode::Mono, Bitrate::Kbps96),
        _ => (Mode::JointStereo, Bitrate::Kbps128),
    };
    let builder = Builder::new().ok_or_else(|| Error::refused("encode", &audio.file, &"out of memory"))?;
    builder
        .with_num_channels(if audio.channels == 1 { 1 } else { 2 })
        .and_then(|builder| builder.with_sample_rate(audio.rate))
        .and_then(|builder| builder.with_mode(mode))
        .and_then(|builder| builder.with_brate(bitrate))
        .and_then(|builder| builder.with_quality(Quality::NearBest))
        .and_then(Builder::build)
        .map_err(refused)
}

/// Fills the frame that the encoder left empty at the start: players read the exact length from it.
fn write_info(encoder: &Encoder, out: &mut BufWriter<File>, start: usize) -> io::Result<()> {
    let mut info = Vec::with_capacity(encoder.lame_tag_size());
    if encoder.lame_tag_encode_to_vec(&mut info).is_some() {
        out.seek(SeekFrom::Start(start as u64))?;
        out.write_all(&info)?;
    }
    Ok(())
}

/// An ID3v2.4 tag with the title in UTF-8, which the encoder's own tag cannot hold.
fn title_tag(title: &str) -> Vec<u8> {
    let text = title.len() as u32 + 1;
    let mut tag = b"ID3\x04\0\0".to_vec();
    tag.extend(seven_bits(text + 10));
    tag.extend(b"TIT2");
    tag.extend(seven_bits(text));
    tag.extend([0, 0, 3]);
    tag.extend(title.as_bytes());
    tag
}

/// Seven bits a byte, so that no size looks like the start of a frame of sound.
fn seven_bits(size: u32) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8)
}

fn factor(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}
