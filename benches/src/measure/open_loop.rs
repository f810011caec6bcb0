//! How long jobs wait that arrive at a steady rate.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use jobwork::Jobs;
use tokio::runtime::Handle;

use super::scene::{AT_ONCE, Scene};
use crate::figure::{Figure, Latency};
use crate::jobs::Sent;
use crate::problems;
use crate::tally::{TALLY, wall};

/// The thread that sends rests at least so long, so that it takes little of the processor.
const REST: u64 = 100_000;

/// So many jobs a second are dispatched, one by one, whether or not those before are stored. A job's wait counts from
/// when it was meant to be sent: so one that the store keeps from being sent in time is not forgotten.
pub(super) async fn measure(scene: &Scene, rate: f64) -> Result<Figure> {
    let worker = scene.worker(AT_ONCE).await?;
    let (runtime, jobs, count) = (Handle::current(), scene.jobs.clone(), scene.count);
    let meter = scene.meter()?;
    let sender = thread::spawn(move || send(&runtime, &jobs, count, rate));
    scene.all_done().await?;
    let mut figure = meter.stop(scene.count)?;
    sender.join().map_err(|_| anyhow::anyhow!("the thread that sends has panicked"))?;
    scene.end(worker).await?;
    figure.latency = Some(Latency::of(TALLY.take_waits()).context("expected jobs to be measured")?);
    figure.offered = Some(rate);
    Ok(figure)
}

fn send(runtime: &Handle, jobs: &Jobs, count: u64, rate: f64) {
    let begun = wall();
    for number in 0..count {
        let due = begun + (number as f64 * 1e9 / rate) as u64;
        if let early @ 1.. = due.saturating_sub(wall()) {
            thread::sleep(Duration::from_nanos(early.max(REST)));
        }
        let jobs = jobs.clone();
        runtime.spawn(async move {
            if let Err(error) = Sent::dispatch(number, due).on(&jobs).await {
                problems::note(error);
            }
        });
    }
}
