//! Draws the waveform of a file.

use std::path::Path;

use crate::file;
use crate::{Decoder, Error, Stop};

const WIDTH: usize = 1600;
const HEIGHT: usize = 300;
/// Pixels from one bar to the next, of which the bar fills `BAR`.
const STEP: usize = 10;
const BAR: f32 = 6.0;
const MARGIN: f32 = 24.0;
const BARS: usize = (WIDTH - 2 * MARGIN as usize) / STEP;
/// Quiet speech stays visible: heights are amplitudes to this power.
const CURVE: f32 = 0.7;

const NIGHT: [f32; 3] = [15.0, 18.0, 36.0];
const GRADIENT: [[f32; 3]; 3] = [[124.0, 92.0, 255.0], [236.0, 72.0, 153.0], [255.0, 168.0, 76.0]];

/// Draws the waveform of an audio file as a PNG of 1600 × 300 pixels.
///
/// # Errors
///
/// [`Error::Stopped`], [`Error::Io`] and those of [`Decoder`].
pub fn draw(audio: &Path, png: &Path, stop: Stop<'_>) -> Result<(), Error> {
    let heights = heights(audio, stop)?;
    let pixels = paint(&heights);
    let image = compress(&pixels).map_err(|error| Error::refused("draw", png, &error))?;
    file::write(png, &image)
}

/// The height of every bar, from 0 to 1: how loud its stretch of the file is beside the loudest one.
fn heights(audio: &Path, stop: Stop<'_>) -> Result<Vec<f32>, Error> {
    let mut decoder = Decoder::open(audio)?;
    let samples = usize::from(decoder.channels()) * (decoder.rate() as usize / 200).max(1);
    let (mut loud, mut waiting) = (Vec::new(), Vec::new());
    while let Some(block) = decoder.block(stop)? {
        waiting.extend_from_slice(block);
        let whole = waiting.len() - waiting.len() % samples;
        loud.extend(waiting[..whole].chunks(samples).map(mean_square));
        waiting.drain(..whole);
    }
    loud.push(mean_square(&waiting));
    let bars = (0..BARS).map(|bar| {
        let from = bar * loud.len() / BARS;
        let to = ((bar + 1) * loud.len() / BARS).max(from + 1);
        (loud[from..to].iter().sum::<f32>() / (to - from) as f32).sqrt()
    });
    let bars: Vec<f32> = bars.collect();
    let highest = bars.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    Ok(bars.iter().map(|bar| (bar / highest).powf(CURVE)).collect())
}

fn mean_square(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

fn paint(heights: &[f32]) -> Vec<u8> {
    let mut pixels: Vec<u8> = NIGHT.map(|value| value as u8).repeat(WIDTH * HEIGHT);
    for (bar, height) in heights.iter().enumerate() {
        let middle = MARGIN + (bar as f32 + 0.5) * STEP as f32;
        let color = gradient(bar as f32 / (heights.len() - 1) as f32);
        let left = middle as usize - STEP / 2;
        for x in left..left + STEP {
            for y in 0..HEIGHT {
                let cover = cover(x as f32 + 0.5 - middle, y as f32 + 0.5 - HEIGHT as f32 / 2.0, *height);
                let at = 3 * (y * WIDTH + x);
                for channel in 0..3 {
                    pixels[at + channel] = mix(NIGHT[channel], color[channel], cover) as u8;
                }
            }
        }
    }
    pixels
}

/// How much of the pixel at this offset from its middle a bar with round ends covers, from 0 to 1.
fn cover(x: f32, y: f32, height: f32) -> f32 {
    let radius = BAR / 2.0;
    let straight = height * (HEIGHT as f32 / 2.0 - MARGIN - radius);
    let beyond = (y.abs() - straight).max(0.0);
    (radius - x.hypot(beyond) + 0.5).clamp(0.0, 1.0)
}

fn gradient(part: f32) -> [f32; 3] {
    let scaled = part * (GRADIENT.len() - 1) as f32;
    let left = (scaled as usize).min(GRADIENT.len() - 2);
    let part = scaled - left as f32;
    [0, 1, 2].map(|channel| mix(GRADIENT[left][channel], GRADIENT[left + 1][channel], part))
}

fn mix(from: f32, to: f32, part: f32) -> f32 {
    from + (to - from) * part
}

fn compress(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(image)
}
