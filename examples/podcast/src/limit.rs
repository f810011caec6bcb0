//! Keeps peaks below a ceiling: a limiter that looks ahead.
//!
//! It works on the true peak of every millisecond, measured once. From these it plans the gain for any level and
//! ceiling, so that another pass at another level costs no other measurement.

use std::path::Path;

use ebur128::{EbuR128, Mode};

use crate::{Decoder, Error, Stop};

/// How many milliseconds before a peak the gain begins to fall.
const AHEAD: usize = 5;
/// The gain rises again by a tenth of a decibel a millisecond.
const RISE: f32 = 1.011_579;

/// The true peak of every millisecond of a file.
pub(crate) struct Peaks {
    hop: usize,
    values: Vec<f32>,
}

impl Peaks {
    pub(crate) fn read(path: &Path, stop: Stop<'_>) -> Result<Self, Error> {
        let refused = |error: ebur128::Error| Error::refused("measure", path, &error);
        let mut decoder = Decoder::open(path)?;
        let (channels, rate) = (u32::from(decoder.channels()), decoder.rate());
        let mut meter = EbuR128::new(channels, rate, Mode::TRUE_PEAK).map_err(refused)?;
        let hop = (rate as usize / 1000).max(1);
        let samples = hop * channels as usize;
        let (mut values, mut waiting) = (Vec::new(), Vec::new());
        while let Some(block) = decoder.block(stop)? {
            waiting.extend_from_slice(block);
            let whole = waiting.len() - waiting.len() % samples;
            for millisecond in waiting[..whole].chunks(samples) {
                values.push(peak(&mut meter, millisecond).map_err(refused)?);
            }
            waiting.drain(..whole);
        }
        values.push(peak(&mut meter, &waiting).map_err(refused)?);
        Ok(Self { hop, values })
    }

    /// The gain at every moment that raises all by `gain` and keeps every peak below `ceiling`, both as factors.
    pub(crate) fn plan(&self, gain: f32, ceiling: f32) -> Plan {
        let needed: Vec<f32> = self.values.iter().map(|peak| gain.min(ceiling / peak.max(f32::MIN_POSITIVE))).collect();
        let mut held = around(&needed, |near| near.iter().copied().fold(f32::INFINITY, f32::min));
        for i in 1..held.len() {
            held[i] = held[i].min(held[i - 1] * RISE);
        }
        // The mean of minima over the same width is nowhere above what is needed, and has no steps.
        let smooth = around(&held, |near| near.iter().sum::<f32>() / near.len() as f32);
        let mut points = vec![smooth[0]];
        points.extend(smooth.windows(2).map(|pair| pair[0].min(pair[1])));
        points.push(smooth[smooth.len() - 1]);
        Plan { hop: self.hop, points }
    }
}

/// The gain at the beginning of every millisecond, and at the end of the last.
pub(crate) struct Plan {
    hop: usize,
    points: Vec<f32>,
}

impl Plan {
    /// Applies the plan to interleaved frames, of which the first is number `start` of the file.
    pub(crate) fn apply(&self, block: &mut [f32], channels: u16, start: usize) {
        for (frame, samples) in block.chunks_mut(channels.into()).enumerate() {
            let gain = self.at(start + frame);
            samples.iter_mut().for_each(|sample| *sample *= gain);
        }
    }

    fn at(&self, frame: usize) -> f32 {
        let last = self.points.len() - 1;
        let (left, right) = ((frame / self.hop).min(last), (frame / self.hop + 1).min(last));
        let part = (frame % self.hop) as f32 / self.hop as f32;
        self.points[left] + (self.points[right] - self.points[left]) * part
    }
}

fn peak(meter: &mut EbuR128, block: &[f32]) -> Result<f32, ebur128::Error> {
    meter.add_frames_f32(block)?;
    let mut highest = 0.0_f64;
    for channel in 0..meter.channels() {
        highest = highest.max(meter.prev_true_peak(channel)?);
    }
    Ok(highest as f32)
}

fn around(values: &[f32], of: impl Fn(&[f32]) -> f32) -> Vec<f32> {
    (0..values.len()).map(|i| of(&values[i.saturating_sub(AHEAD)..values.len().min(i + AHEAD + 1)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_never_lets_a_peak_pass_the_ceiling_and_never_jumps() {
        let mut values = vec![0.1; 400];
        values[100] = 2.0;
        values[103] = 0.9;
        let peaks = Peaks { hop: 48, values };
        let plan = peaks.plan(4.0, 0.8);
        let mut before = plan.at(0);
        for frame in 0..400 * 48 {
            let gain = plan.at(frame);
            assert!(gain * peaks.values[frame / 48] <= 0.8 + 1e-6, "frame {frame} is too loud");
            assert!((gain - before).abs() < 0.02, "the gain jumps at frame {frame}");
            before = gain;
        }
        assert!((plan.at(0) - 4.0).abs() < 1e-6, "the gain far from the peak is as asked");
        assert!((before - 4.0).abs() < 1e-6, "the gain comes back after the peak");
    }
}
