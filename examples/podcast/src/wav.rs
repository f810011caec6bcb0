//! Writes WAV files of 32-bit floats, which lose nothing a decoder gives, not even peaks above full scale.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

const HEADER_BYTES: u32 = 44;
const IEEE_FLOAT: u16 = 3;

/// A WAV file being written.
pub(crate) struct Wav {
    out: BufWriter<File>,
    channels: u16,
    rate: u32,
    bytes: u64,
}

impl Wav {
    pub(crate) fn start(mut out: BufWriter<File>, channels: u16, rate: u32) -> io::Result<Self> {
        out.write_all(&header(channels, rate, 0))?;
        Ok(Self { out, channels, rate, bytes: 0 })
    }

    pub(crate) fn add(&mut self, block: &[f32]) -> io::Result<()> {
        self.bytes += 4 * block.len() as u64;
        if self.bytes > u64::from(u32::MAX - HEADER_BYTES) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        block.iter().try_for_each(|sample| self.out.write_all(&sample.to_le_bytes()))
    }

    /// Writes the sizes, known only now, into the header.
    pub(crate) fn finish(mut self) -> io::Result<BufWriter<File>> {
        let bytes = u32::try_from(self.bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header(self.channels, self.rate, bytes))?;
        Ok(self.out)
    }
}

fn header(channels: u16, rate: u32, bytes: u32) -> Vec<u8> {
    let frame = 4 * channels;
    let mut header = Vec::with_capacity(HEADER_BYTES as usize);
    header.extend(b"RIFF");
    header.extend((HEADER_BYTES - 8 + bytes).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(IEEE_FLOAT.to_le_bytes());
    header.extend(channels.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend((rate * u32::from(frame)).to_le_bytes());
    header.extend(frame.to_le_bytes());
    header.extend(32_u16.to_le_bytes());
    header.extend(b"data");
    header.extend(bytes.to_le_bytes());
    header
}
