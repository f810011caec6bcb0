//! Decodes an audio file block by block.

use std::fmt;
use std::fs::File;
use std::mem;
use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::StandardTag;

use crate::{Error, Stop};

/// One frame in so many may be lost to damage; more is an error.
const FRAMES_PER_LOST: u64 = 100;

/// An open audio file, decoded as it is read.
pub struct Decoder {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    channels: u16,
    rate: u32,
    title: Option<String>,
    block: Vec<f32>,
    unread: bool,
    frames: u64,
    lost: u64,
    promised: Option<u64>,
}

impl Decoder {
    /// Opens the file and decodes its first block, because only that tells the channels and the rate for sure.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::Decode`] if the content is not known audio, [`Error::NoAudio`],
    /// [`Error::Layout`] for more than two channels, [`Error::Damaged`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unknown = |source| Error::Decode { path: path.to_owned(), source };
        let mut format = probe(path)?;
        let title = title(format.as_mut());
        let none = || Error::NoAudio { path: path.to_owned() };
        let track = format.default_track(TrackType::Audio).ok_or_else(none)?;
        let params = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or_else(none)?;
        let options = AudioDecoderOptions::default();
        let decoder = symphonia::default::get_codecs().make_audio_decoder(params, &options).map_err(unknown)?;
        // Only FLAC counts its frames exactly; its reader passes over damage without a word.
        let promised = track.num_frames.filter(|_| params.codec == CODEC_ID_FLAC);
        let track = track.id;
        let mut opened = Self {
            path: path.to_owned(),
            format,
            decoder,
            track,
            channels: 0,
            rate: 0,
            title,
            block: Vec::new(),
            unread: true,
            frames: 0,
            lost: 0,
            promised,
        };
        if !opened.read()? {
            opened.check_damage()?;
            return Err(none());
        }
        Ok(opened)
    }

    /// One for mono, two for stereo.
    #[must_use]
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// Frames a second.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The title in the file's tags.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The next few hundred to few thousand frames, interleaved, full scale being 1; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if `stop` says so, else as [`Decoder::open`].
    pub fn block(&mut self, stop: Stop<'_>) -> Result<Option<&[f32]>, Error> {
        if stop() {
            return Err(Error::Stopped);
        }
        if !mem::take(&mut self.unread) && !self.read()? {
            self.check_damage()?;
            return Ok(None);
        }
        Ok(Some(&self.block))
    }

    /// Decodes packets until one has frames; `false` at the end.
    fn read(&mut self) -> Result<bool, Error> {
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(false),
                Err(source) => return Err(self.unreadable(source)),
            };
            match self.decoder.decode(&packet) {
                Ok(audio) if audio.is_empty() => {}
                Ok(audio) => {
                    let (channels, rate) = (audio.num_planes(), audio.spec().rate());
                    self.frames += audio.frames() as u64;
                    audio.copy_to_vec_interleaved(&mut self.block);
                    self.check_layout(channels, rate)?;
                    return Ok(true);
                }
                Err(Symphonia::DecodeError(_)) => self.lost += packet.dur.get(),
                Err(source) => return Err(self.unreadable(source)),
            }
        }
    }

    fn check_layout(&mut self, channels: usize, rate: u32) -> Result<(), Error> {
        let wrong = |what| Err(Error::Layout { path: self.path.clone(), what });
        match (channels, rate) {
            (1 | 2, 1..) if self.channels == 0 => {
                self.channels = if channels == 1 { 1 } else { 2 };
                self.rate = rate;
                Ok(())
            }
            (_, 0) => wrong("no sample rate".to_owned()),
            _ if self.channels == 0 => wrong(format!("{channels} channels")),
            _ if channels != usize::from(self.channels) || rate != self.rate => {
                wrong("parts with different channels or sample rates".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_damage(&self) -> Result<(), Error> {
        let lost = self.lost.max(self.promised.unwrap_or(0).saturating_sub(self.frames));
        if lost > (self.frames + lost) / FRAMES_PER_LOST {
            return Err(Error::Damaged { path: self.path.clone(), lost, frames: self.frames + lost });
        }
        Ok(())
    }

    fn unreadable(&self, source: Symphonia) -> Error {
        Error::Decode { path: self.path.clone(), source }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, channels, rate, .. } = self;
        f.debug_struct("Decoder").field("path", path).field("channels", channels).field("rate", rate).finish()
    }
}

fn probe(path: &Path) -> Result<Box<dyn FormatReader>, Error> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    let file = File::open(path).map_err(Error::io("open", path))?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        hint.with_extension(extension);
    }
    symphonia::default::get_probe()
        .probe(&hint, stream, Default::default(), Default::default())
        .map_err(|source| Error::Decode { path: path.to_owned(), source })
}

fn title(format: &mut dyn FormatReader) -> Option<String> {
    let mut metadata = format.metadata();
    let tags = &metadata.skip_to_latest()?.media.tags;
    tags.iter().find_map(|tag| match &tag.std {
        Some(StandardTag::TrackTitle(title)) => Some(title.to_string()),
        _ => None,
    })
}
